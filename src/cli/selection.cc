#include "cli/selection.h"

#include <string_view>

#include <fmt/format.h>

namespace freshet::cli {
namespace {

std::vector<std::string> SplitNames(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    names.emplace_back(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return names;
}

}  // namespace

Status TakeSelection(const std::string& features, std::vector<std::string>* words,
                     FeatureRequest* request) {
  const bool named = !words->empty() && words->front().find('=') == std::string::npos;
  if (named && !features.empty())
    return Status::InvalidArgument(fmt::format(
        "'{}' and --features are both there: name a service or list features", words->front()));
  if (!named && features.empty())
    return Status::InvalidArgument(
        "name a feature service, or list features: --features view.feature,...");
  request->features = SplitNames(features);
  if (!named) return {};
  request->feature_service = words->front();
  words->erase(words->begin());
  return {};
}

}  // namespace freshet::cli
