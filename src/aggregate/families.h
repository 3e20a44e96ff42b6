// One function per family of aggregates: its variants, one per input type that it takes, in the
// order of the types.
#pragma once

#include <span>

#include "aggregate/aggregate.h"

namespace freshet::aggregate {

std::span<const Aggregate> CountVariants();
std::span<const Aggregate> SumVariants();
std::span<const Aggregate> MeanVariants();
std::span<const Aggregate> MinVariants();
std::span<const Aggregate> MaxVariants();
std::span<const Aggregate> FirstVariants();
std::span<const Aggregate> LastVariants();
std::span<const Aggregate> VarPopVariants();
std::span<const Aggregate> VarSampVariants();
std::span<const Aggregate> StddevPopVariants();
std::span<const Aggregate> StddevSampVariants();
std::span<const Aggregate> SkewnessVariants();
std::span<const Aggregate> KurtosisVariants();
std::span<const Aggregate> DecayedCountVariants();
std::span<const Aggregate> DecayedSumVariants();
std::span<const Aggregate> DecayedMeanVariants();
std::span<const Aggregate> RateVariants();
std::span<const Aggregate> TimeSinceLastVariants();
std::span<const Aggregate> DistinctCountVariants();
std::span<const Aggregate> PercentileVariants();
std::span<const Aggregate> PercentilesVariants();
std::span<const Aggregate> MedianVariants();
std::span<const Aggregate> FirstKVariants();
std::span<const Aggregate> LastKVariants();
std::span<const Aggregate> FirstKTimesVariants();
std::span<const Aggregate> LastKTimesVariants();
std::span<const Aggregate> FirstDistinctKVariants();
std::span<const Aggregate> LastDistinctKVariants();
std::span<const Aggregate> TopKVariants();
std::span<const Aggregate> BottomKVariants();
std::span<const Aggregate> MostFrequentKVariants();
std::span<const Aggregate> MostFrequentKCountsVariants();
std::span<const Aggregate> TopKByVariants();
std::span<const Aggregate> BottomKByVariants();
std::span<const Aggregate> CategoriesVariants();
std::span<const Aggregate> CategoryCountsVariants();
std::span<const Aggregate> CategorySumsVariants();
std::span<const Aggregate> HistogramVariants();

}  // namespace freshet::aggregate
