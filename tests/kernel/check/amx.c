/* check/amx.c - the tile of conv_u8 on AMX, with tile registers made of memory: its logic is checked on every CPU.
 *
 * The emulation refuses what the instructions refuse: tiles that are not configured. A load reads exactly the bytes
 * that the configuration says, so that guarded buffers show where the kernel reads too far.
 */
#include "check/check.h"
#include "kernel/portable/vec.h"

#include <stdlib.h>

enum { TILES = 8, TILE_SIDE = 16, TILE_ROW_BYTES = 64 };

static struct {
    int is_configured;
    uint16_t row_bytes[TILES];
    uint8_t rows[TILES];
    uint8_t bytes[TILES][TILE_SIDE][TILE_ROW_BYTES];
} state;

static void configure(const void *config) {
    const uint8_t *bytes = config;
    memset(&state, 0, sizeof state);
    memcpy(state.row_bytes, bytes + 16, sizeof state.row_bytes);
    memcpy(state.rows, bytes + 48, sizeof state.rows);
    state.is_configured = bytes[0] == 1 && bytes[1] == 0;
    for (int i = 0; i < TILES; i++)
        if (state.rows[i] > TILE_SIDE || state.row_bytes[i] > TILE_ROW_BYTES) abort();
}

static void load(int tile, const void *from, int64_t stride) {
    if (!state.is_configured) abort();
    for (int r = 0; r < state.rows[tile]; r++)
        memcpy(state.bytes[tile][r], (const uint8_t *)from + r * stride, state.row_bytes[tile]);
}

static void store(int tile, void *to, int64_t stride) {
    if (!state.is_configured) abort();
    for (int r = 0; r < state.rows[tile]; r++)
        memcpy((uint8_t *)to + r * stride, state.bytes[tile][r], state.row_bytes[tile]);
}

/* sums[m][n] += the products of four unsigned bytes of left[m][k] and four signed ones of right[k][n]. */
static void dot(int sums, int left, int right) {
    if (!state.is_configured) abort();
    for (int m = 0; m < state.rows[sums]; m++)
        for (int n = 0; n < state.row_bytes[sums] / 4; n++) {
            uint32_t sum;
            memcpy(&sum, &state.bytes[sums][m][4 * n], sizeof sum);
            for (int k = 0; k < state.row_bytes[left]; k++)
                sum += (uint32_t)(state.bytes[left][m][k] * (int8_t)state.bytes[right][k / 4][4 * n + k % 4]);
            memcpy(&state.bytes[sums][m][4 * n], &sum, sizeof sum);
        }
}

#define TILES_CONFIGURE(config)            configure(config)
#define TILES_RELEASE()                    memset(&state, 0, sizeof state)
#define TILE_LOAD(tile, p, stride)         load(tile, p, stride)
#define TILE_STORE(tile, p, stride)        store(tile, p, stride)
#define TILE_DOT(sums, unsigned_, signed_) dot(sums, unsigned_, signed_)
#define TILE                               static const qn_conv_u8_kernel emulated
#define TILE_NAME                          "conv_u8_32x32_amx, emulated"
#include "kernel/body/conv_u8_tiles.h"

const qn_kernel_row check_amx_row = {"conv_u8", TILE_NAME, 0, &emulated};
