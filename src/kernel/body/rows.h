/* kernel/body/rows.h - EACH_ROW(m): m(0) m(1) ... for the rows of a tile, TILE_ROWS of them. */
#if TILE_ROWS == 14
#define EACH_ROW(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13)
#elif TILE_ROWS == 12
#define EACH_ROW(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11)
#elif TILE_ROWS == 6
#define EACH_ROW(m) m(0) m(1) m(2) m(3) m(4) m(5)
#elif TILE_ROWS == 4
#define EACH_ROW(m) m(0) m(1) m(2) m(3)
#endif
