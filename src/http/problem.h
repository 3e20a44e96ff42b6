// Errors as RFC 9457 tells them: application/problem+json.
#pragma once

#include <string>
#include <string_view>

#include "freshet/status.h"

#include "http/answer.h"

namespace freshet::http {

inline constexpr char kProblemType[] = "application/problem+json";

// "Bad Request" and so on for the statuses that this server answers with.
std::string_view ReasonPhrase(int status);

// `pointer` is a JSON pointer as a URI fragment, such as "#/entities/user_id/3", to what is wrong in
// the request's body; empty when nothing in it is.
Answer Problem(int status, std::string_view detail, std::string_view pointer = "");

// The same of a failed Status, with its code. Without a pointer the field that an InvalidArgument
// names at its head ("entities: ...") is pointed to.
Answer ToProblem(const Status& status, std::string_view pointer = "");

}  // namespace freshet::http
