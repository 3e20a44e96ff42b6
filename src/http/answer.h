// One answer, whatever carries it.
#pragma once

#include <string>

namespace freshet::http {

struct Answer {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string allow;  // the methods that a path has, where the one asked for is not among them
};

inline constexpr char kJsonType[] = "application/json";
inline constexpr char kTextType[] = "text/plain; charset=utf-8";

}  // namespace freshet::http
