/* kernel/x86/amx/tiles.h - the tile registers as body/conv_u8_tiles.h names them. Numbers of tiles are literals. */
#ifndef QN_KERNEL_X86_AMX_TILES_H
#define QN_KERNEL_X86_AMX_TILES_H

#include <immintrin.h>

/* Not every compiler knows that the instructions read memory: what p points to is written before this returns. */
static inline const void *tile_source(const void *p) {
    __asm__ volatile("" : : "r"(p) : "memory");
    return p;
}

#define TILES_CONFIGURE(config)            _tile_loadconfig(tile_source(config))
#define TILES_RELEASE()                    _tile_release()
#define TILE_LOAD(tile, p, stride)         _tile_loadd(tile, tile_source(p), stride)
#define TILE_STORE(tile, p, stride)        _tile_stored(tile, p, stride)
#define TILE_DOT(sums, unsigned_, signed_) _tile_dpbusd(sums, unsigned_, signed_)

#endif
