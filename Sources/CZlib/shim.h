// The only door to zlib. Its ways to begin are macros, which Swift does not import.
#pragma once
#include <zlib.h>

/// Begins to inflate a gzip stream, and nothing else.
static inline int vouch_inflate_gzip(z_streamp stream) { return inflateInit2(stream, 16 + MAX_WBITS); }

/// Begins to deflate into a gzip stream.
static inline int vouch_deflate_gzip(z_streamp stream) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
