// Any bytes are either refused or decode to values that encode to the same bytes. The first byte
// and the second choose how many join keys there are and of which types.
#include <cstdint>
#include <iterator>

#include "base/check.h"
#include "store/entity_key.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace freshet;
  if (size < 2) return 0;
  constexpr Type kTypes[] = {Type::kBool, Type::kInt32, Type::kInt64, Type::kString, Type::kBytes};
  std::vector<Type> types(1 + data[0] % 4);
  for (size_t i = 0; i < types.size(); ++i)
    types[i] = kTypes[(data[1] >> (2 * i)) % std::size(kTypes)];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

  Result<std::vector<Value>> values = store::DecodeEntityKey(types, bytes);
  if (!values.ok()) return 0;
  std::string again;
  for (size_t i = 0; i < types.size(); ++i)
    FRESHET_CHECK(store::AppendEntityKey(types[i], ToDatum((*values)[i]), again).ok());
  FRESHET_CHECK(again == bytes);
  return 0;
}
