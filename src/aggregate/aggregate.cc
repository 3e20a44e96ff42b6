#include "aggregate/aggregate.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregate/families.h"
#include "base/nearest.h"

namespace freshet::aggregate {
namespace {

struct Family {
  std::string_view name;
  std::span<const Aggregate> (*variants)();
};

constexpr Family kFamilies[] = {
    {"count", CountVariants},
    {"sum", SumVariants},
    {"mean", MeanVariants},
    {"min", MinVariants},
    {"max", MaxVariants},
    {"first", FirstVariants},
    {"last", LastVariants},
    {"var_pop", VarPopVariants},
    {"var_samp", VarSampVariants},
    {"stddev_pop", StddevPopVariants},
    {"stddev_samp", StddevSampVariants},
    {"skewness", SkewnessVariants},
    {"kurtosis", KurtosisVariants},
    {"decayed_count", DecayedCountVariants},
    {"decayed_sum", DecayedSumVariants},
    {"decayed_mean", DecayedMeanVariants},
    {"rate", RateVariants},
    {"time_since_last", TimeSinceLastVariants},
    {"distinct_count", DistinctCountVariants},
    {"percentile", PercentileVariants},
    {"percentiles", PercentilesVariants},
    {"median", MedianVariants},
    {"first_k", FirstKVariants},
    {"last_k", LastKVariants},
    {"first_k_times", FirstKTimesVariants},
    {"last_k_times", LastKTimesVariants},
    {"first_distinct_k", FirstDistinctKVariants},
    {"last_distinct_k", LastDistinctKVariants},
    {"top_k", TopKVariants},
    {"bottom_k", BottomKVariants},
    {"most_frequent_k", MostFrequentKVariants},
    {"most_frequent_k_counts", MostFrequentKCountsVariants},
    {"top_k_by", TopKByVariants},
    {"bottom_k_by", BottomKByVariants},
    {"categories", CategoriesVariants},
    {"category_counts", CategoryCountsVariants},
    {"category_sums", CategorySumsVariants},
    {"histogram", HistogramVariants},
};

const Family* FindFamily(std::string_view name) {
  const auto* family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                    [&](const Family& f) { return f.name == name; });
  return family == std::end(kFamilies) ? nullptr : family;
}

std::string InputTypes(const Family& family) {
  std::vector<std::string_view> names;
  for (const Aggregate& variant : family.variants())
    if (variant.takes_input)
      names.push_back(variant.input == Type::kDecimal ? "decimal(n)" : TypeName(variant.input));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::shared_ptr<const Aggregate> WithParameters(const Aggregate& variant, const Type* input,
                                                const Parameters& parameters) {
  auto aggregate = std::make_shared<Aggregate>(variant);
  if ((variant.takes & kTakesHalfLife) != 0)
    aggregate->parameters.half_life_ms = parameters.half_life_ms;
  if ((variant.takes & kTakesQuantile) != 0) aggregate->parameters.quantile = parameters.quantile;
  if ((variant.takes & kTakesK) != 0) aggregate->parameters.k = parameters.k;
  if ((variant.takes & kTakesQuantiles) != 0)
    aggregate->parameters.quantiles = parameters.quantiles;
  if ((variant.takes & kTakesEdges) != 0) aggregate->parameters.edges = parameters.edges;
  if ((variant.takes & kTakesBy) != 0) aggregate->parameters.by_type = parameters.by_type;
  if (input != nullptr && *input == Type::kDecimal) {
    aggregate->input = *input;
    if (aggregate->output == Type::kDecimal) aggregate->output = *input;
    aggregate->parameters.of_scale = input->scale;
  }
  return aggregate;
}

}  // namespace

std::span<const std::string> AggregateNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const Family& family : kFamilies) result.emplace_back(family.name);
    return result;
  }();
  return names;
}

ParameterSet ParametersOf(std::string_view name) {
  const Family* family = FindFamily(name);
  return family == nullptr ? 0 : family->variants().front().takes;
}

bool TakesInput(std::string_view name, Type input) {
  const Family* family = FindFamily(name);
  if (family == nullptr) return false;
  const std::span<const Aggregate> variants = family->variants();
  return std::any_of(variants.begin(), variants.end(), [&](const Aggregate& variant) {
    return variant.takes_input && variant.input == input.kind;
  });
}

Result<std::shared_ptr<const Aggregate>> FindAggregate(std::string_view name, const Type* input,
                                                       const Parameters& parameters) {
  const Family* family = FindFamily(name);
  if (family == nullptr)
    return Status::InvalidArgument(fmt::format("unknown aggregation function '{}'{}", name,
                                               Suggestion(name, AggregateNames())));
  for (const Aggregate& variant : family->variants()) {
    const bool fits = input == nullptr ? !variant.takes_input
                                       : variant.takes_input && variant.input == input->kind;
    if (fits) return WithParameters(variant, input, parameters);
  }
  if (input == nullptr)
    return Status::InvalidArgument(fmt::format(
        "function '{}' needs `of:`, what to aggregate; it takes {}", name, InputTypes(*family)));
  return Status::InvalidArgument(
      fmt::format("function '{}' does not take values of type {}; it takes {}", name,
                  TypeName(*input), InputTypes(*family)));
}

}  // namespace freshet::aggregate
