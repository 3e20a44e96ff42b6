// Hints to the processor's cache.
#pragma once

#include <cstddef>

namespace freshet {

inline constexpr size_t kCacheLineBytes = 64;

// Begins to bring the line of an address nearer. Nothing is read: the address need not be valid.
// The empty instruction is for GCC, which otherwise takes a function that does nothing but prefetch for one
// without effect, and drops its calls.
inline void PrefetchLine(const void* address) {
  __builtin_prefetch(address);
  asm volatile("");
}

}  // namespace freshet
