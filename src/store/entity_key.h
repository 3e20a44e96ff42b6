// Entity keys: the bytes under which the state of an entity is stored. They are frozen: golden
// tests hold them.
//
// The values of the join keys in the entity's order, each so that byte order is value order:
//   bool    1 byte, 0 or 1
//   int32, int64   8 bytes, big-endian, the sign bit flipped
//   string  the bytes, each 00 written as 00 FF, then 00 01
// The types come from the definition and are not stored.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "base/datum.h"

namespace freshet::store {

// Appends one value to the key that begins at `key_begin` of `bytes`. InvalidArgument, with nothing
// appended, when the value is null, of another kind than `type` or out of int32's range, or the key
// would be too long.
Status AppendEntityKey(Type type, const Datum& value, std::string& bytes, size_t key_begin = 0);

// The values back, owned. Corruption when the bytes are not a key of these types.
Result<std::vector<Value>> DecodeEntityKey(std::span<const Type> types, std::string_view key);

}  // namespace freshet::store
