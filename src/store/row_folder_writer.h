// Builds a folder of rows that a server adopts later, without a data folder: finished files of sorted rows,
// and the manifest that says what they are.
#pragma once

#include <memory>
#include <string>

#include "freshet/status.h"

#include "base/clock.h"
#include "store/manifest.h"
#include "store/store.h"

namespace freshet::store {

struct RowFolderOptions {
  std::string folder;  // absent or empty; made when it is missing
  RowShape shape;
  size_t memory_bytes = 0;                // for sorting
  const Clock* clock = &Clock::System();  // tells when it was built; outlives the writer
};

// A whole load into the folder. Publish writes the manifest, the last of its files; dropped before that,
// the writer takes everything back. What the end of the process leaves without a manifest cannot be
// adopted. FailedPrecondition when something is in the folder.
Result<std::unique_ptr<GenerationWriter>> NewRowFolder(RowFolderOptions options);

}  // namespace freshet::store
