// Objects of a store that speaks S3, as files of a load. Arrow's S3 stays behind this header.
#pragma once

#include <string>
#include <string_view>

#include "freshet/status.h"

#include "load/file_list.h"

namespace freshet::load {

bool IsS3Url(std::string_view path);

// Adds what s3://bucket/key means: an object, a folder or a pattern. InvalidArgument when that is
// nothing, and for a URL or an endpoint that is none; IoError when the store refuses or does not
// answer: the message says what to look at.
Status ListS3(const std::string& url, const std::string& endpoint, FileList* list);

// No object is used any more, from now on.
void CloseS3();

}  // namespace freshet::load
