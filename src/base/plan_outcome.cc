#include <algorithm>

#include "freshet/engine.h"

namespace freshet {

bool PlanOutcome::applicable() const {
  return errors.empty() &&
         std::none_of(changes.begin(), changes.end(),
                      [](const DefinitionChange& change) { return change.refused; });
}

}  // namespace freshet
