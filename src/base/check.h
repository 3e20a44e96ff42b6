// Checks of what the program itself must guarantee. They stay on in every build.
#pragma once

namespace freshet {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace freshet

// Ends the process with the place and the condition when `condition` is false.
#define FRESHET_CHECK(condition)                              \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      ::freshet::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)
