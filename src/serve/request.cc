#include "serve/request.h"

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "serve/columns.h"
#include "store/entity_key.h"

namespace freshet::serve {
namespace {

// One of the two sets of columns that a request carries, with the words that messages use for it.
struct ColumnSet {
  std::string_view field;  // "entities"
  std::string_view role;   // "join key"
  std::span<const RequestColumn> needed;
  std::span<const NamedColumn> given;
};

std::string GivenNames(const ColumnSet& set) {
  if (set.given.empty()) return "none";
  std::string names;
  for (const NamedColumn& column : set.given) {
    if (!names.empty()) names += ", ";
    names += "'" + column.name + "'";
  }
  return names;
}

Status MissingColumn(const Plan& plan, const ColumnSet& set, const RequestColumn& needed) {
  std::vector<std::string> given;
  for (const NamedColumn& column : set.given) given.push_back(column.name);
  const std::string_view near = NearestWord(needed.name, given);
  std::string message =
      fmt::format("{}: {} needs the {} '{}' ({}); got {}", set.field, plan.subject, set.role,
                  needed.name, TypeName(needed.type), GivenNames(set));
  if (!near.empty()) message += fmt::format("; is '{}' meant to be '{}'?", near, needed.name);
  return Status::InvalidArgument(std::move(message));
}

Status UnknownColumn(const Plan& plan, const ColumnSet& set, const NamedColumn& column) {
  std::vector<std::string> needed;
  for (const RequestColumn& candidate : set.needed) needed.push_back(candidate.name);
  return Status::InvalidArgument(fmt::format("{}: {} has no {} '{}'{}", set.field, plan.subject,
                                             set.role, column.name,
                                             Suggestion(column.name, needed)));
}

// Finds the column of each needed name. All needed are found first, so that a mistyped name reads
// as what is missing.
Status MatchColumns(const Plan& plan, const ColumnSet& set, std::vector<BoundColumn>& found) {
  for (size_t i = 0; i < set.needed.size(); ++i) {
    found[i] = {};
    for (const NamedColumn& column : set.given) {
      if (column.name != set.needed[i].name) continue;
      if (found[i].values != nullptr) {
        return Status::InvalidArgument(
            fmt::format("{}: the {} '{}' is given twice", set.field, set.role, column.name));
      }
      found[i].values = &column.values;
    }
    if (found[i].values == nullptr) return MissingColumn(plan, set, set.needed[i]);
  }
  if (set.given.size() == set.needed.size()) return Status::Ok();
  for (const NamedColumn& column : set.given) {
    bool is_needed = false;
    for (const RequestColumn& needed : set.needed) is_needed |= needed.name == column.name;
    if (!is_needed) return UnknownColumn(plan, set, column);
  }
  return Status::Ok();
}

// How many rows a request has, and the column that says so. A column of one row says nothing as
// long as another has more or none.
struct RowCount {
  size_t rows = 1;
  std::string_view column;
};

Status CountRows(const ColumnSet& set, RowCount* count) {
  for (const NamedColumn& column : set.given) {
    const size_t rows = column.values.size();
    if (rows == 1) continue;
    if (!count->column.empty() && count->rows != rows) {
      return Status::InvalidArgument(fmt::format(
          "{}: '{}' has {} rows, but '{}' has {}; each column has one row for each entity, or one "
          "that stands for all",
          set.field, column.name, rows, count->column, count->rows));
    }
    *count = {rows, column.name};
  }
  return Status::Ok();
}

void Repeat(size_t row_count, std::vector<BoundColumn>& columns) {
  for (BoundColumn& column : columns) {
    column.is_same_in_all_rows = row_count != 1 && column.values->size() == 1;
  }
}

Status CheckInputRow(const NamedColumn& column, Type declared, size_t row) {
  const Datum value = DatumAt(column.values, row);
  if (declared == Type::kString && value.as_string().size() > limits::kStringValueBytesMax) {
    return Status::InvalidArgument(
        fmt::format("inputs: '{}' row {} has {} bytes; at most {} are allowed", column.name, row,
                    value.as_string().size(), limits::kStringValueBytesMax));
  }
  const Type given = column.values.type;
  if (NarrowTo(declared, given, value).error != nullptr) {
    return Status::InvalidArgument(fmt::format(
        "inputs: '{}' row {} is {}, which {} {}", column.name, row, ToString(given, value),
        declared == Type::kDecimal ? "cannot stand exactly in" : "is out of the range of",
        TypeName(declared)));
  }
  return Status::Ok();
}

Status CheckInputTypes(const Plan& plan, const FeatureRequest& request) {
  for (const DerivedRead& read : plan.derived) {
    for (const DerivedRead::Input& input : read.inputs) {
      const std::string& name = plan.input_columns[input.column].name;
      for (const NamedColumn& column : request.inputs) {
        if (column.name != name) continue;
        if (!IsAccepted(input.type, column.values.type)) {
          return Status::InvalidArgument(fmt::format("inputs: '{}' is {}, but {} needs {}", name,
                                                     TypeName(column.values.type), plan.subject,
                                                     TypeName(input.type)));
        }
        if (column.values.type == input.type && input.type != Type::kString &&
            input.type != Type::kInt32)
          continue;
        for (size_t row = 0; row < column.values.size(); ++row) {
          FRESHET_RETURN_IF_ERROR(CheckInputRow(column, input.type, row));
        }
      }
    }
  }
  return Status::Ok();
}

bool IsAcceptedKey(Type declared, Type given) {
  return IsAccepted(declared, given) && given != Type::kTimestamp;
}

Status CheckKeyTypes(const Plan& plan, const Scratch& scratch) {
  for (const KeyPlan& key : plan.keys) {
    for (size_t i = 0; i < key.columns.size(); ++i) {
      const registry::JoinKey& join_key = key.entity->join_keys[i];
      const Type given = scratch.entity_columns[key.columns[i]].values->type;
      if (IsAcceptedKey(join_key.type, given)) continue;
      return Status::InvalidArgument(fmt::format("entities: '{}' is {}, but entity '{}' needs {}",
                                                 plan.entity_columns[key.columns[i]].name,
                                                 TypeName(given), key.entity->name,
                                                 TypeName(join_key.type)));
    }
  }
  return Status::Ok();
}

Status CheckRowCount(const Plan& plan, size_t row_count) {
  if (row_count > limits::kEntitiesPerRequestMax) {
    return Status::InvalidArgument(
        fmt::format("entities: {} rows are more than the {} that one request may have; split it",
                    row_count, limits::kEntitiesPerRequestMax));
  }
  if (row_count * plan.slots.size() > limits::kValuesPerRequestMax) {
    return Status::InvalidArgument(
        fmt::format("entities: {} rows of {} features, with those that on-demand features need, "
                    "are more than the {} values that one "
                    "request may have; split it",
                    row_count, plan.slots.size(), limits::kValuesPerRequestMax));
  }
  return Status::Ok();
}

Status AppendRowKey(const Plan& plan, const KeyPlan& key, size_t row, const Scratch& scratch,
                    std::string& bytes) {
  const size_t key_begin = bytes.size();
  for (size_t i = 0; i < key.columns.size(); ++i) {
    const registry::JoinKey& join_key = key.entity->join_keys[i];
    const Datum value = scratch.entity_columns[key.columns[i]].At(row);
    const Status status = store::AppendEntityKey(join_key.type, value, bytes, key_begin);
    if (!status.ok())
      return status.Prefixed(
          fmt::format("entities: '{}' row {}", plan.entity_columns[key.columns[i]].name, row));
  }
  return Status::Ok();
}

Status EncodeKeysOf(const Plan& plan, const KeyPlan& key, uint32_t row_count,
                    const Scratch& scratch, KeyRuns& keys) {
  keys.bytes.clear();
  keys.runs.clear();
  const bool is_one_key = std::all_of(key.columns.begin(), key.columns.end(), [&](uint32_t column) {
    return scratch.entity_columns[column].is_same_in_all_rows;
  });
  if (is_one_key && row_count > 0) {
    FRESHET_RETURN_IF_ERROR(AppendRowKey(plan, key, 0, scratch, keys.bytes));
    keys.runs.push_back({0, row_count, 0, keys.bytes.size()});
    return Status::Ok();
  }
  for (uint32_t row = 0; row < row_count; ++row) {
    const size_t begin = keys.bytes.size();
    FRESHET_RETURN_IF_ERROR(AppendRowKey(plan, key, row, scratch, keys.bytes));
    const std::string_view encoded = std::string_view(keys.bytes).substr(begin);
    if (!keys.runs.empty()) {
      KeyRun& last = keys.runs.back();
      if (std::string_view(keys.bytes).substr(last.key_begin, last.key_end - last.key_begin) ==
          encoded) {
        ++last.row_count;
        keys.bytes.resize(begin);
        continue;
      }
    }
    keys.runs.push_back({row, 1, begin, keys.bytes.size()});
  }
  return Status::Ok();
}

}  // namespace

Status CheckSelection(std::string_view service, std::span<const std::string> features) {
  if (service.empty() && features.empty()) {
    return Status::InvalidArgument("feature_service: name a feature service, or list features");
  }
  if (!service.empty() && !features.empty()) {
    return Status::InvalidArgument(
        "features: give either a feature service or a list of features, not both");
  }
  if (features.size() > limits::kFeaturesPerRequestMax) {
    return Status::InvalidArgument(
        fmt::format("features: {} are more than the {} that one request may list; split it",
                    features.size(), limits::kFeaturesPerRequestMax));
  }
  return Status::Ok();
}

Status CheckRequest(const FeatureRequest& request, bool allow_read_time) {
  FRESHET_RETURN_IF_ERROR(CheckSelection(request.feature_service, request.features));
  if (request.read_time_ms.has_value()) {
    if (!allow_read_time) {
      return Status::InvalidArgument(
          "read_time: this server answers as of now only; serving.allow_read_time in its "
          "configuration permits others");
    }
    if (*request.read_time_ms < limits::kEventTimeMsMin ||
        *request.read_time_ms > limits::kEventTimeMsMax) {
      return Status::InvalidArgument(
          fmt::format("read_time: {} ms is outside the years 1 to 9999", *request.read_time_ms));
    }
  }
  if (request.max_staleness_ms.has_value() &&
      (*request.max_staleness_ms < 0 || *request.max_staleness_ms > limits::kWindowMsMax)) {
    return Status::InvalidArgument(fmt::format("max_staleness: {} ms is not within 0 and {} ms",
                                               *request.max_staleness_ms, limits::kWindowMsMax));
  }
  return Status::Ok();
}

Result<uint32_t> BindColumns(const Plan& plan, const FeatureRequest& request, Scratch& scratch) {
  const ColumnSet entities{"entities", "join key", plan.entity_columns, request.entities};
  const ColumnSet inputs{"inputs", "request input", plan.input_columns, request.inputs};
  FRESHET_RETURN_IF_ERROR(MatchColumns(plan, entities, scratch.entity_columns));
  FRESHET_RETURN_IF_ERROR(MatchColumns(plan, inputs, scratch.input_columns));
  // Features that need nothing of the caller are one row.
  RowCount count;
  FRESHET_RETURN_IF_ERROR(CountRows(entities, &count));
  FRESHET_RETURN_IF_ERROR(CountRows(inputs, &count));
  Repeat(count.rows, scratch.entity_columns);
  Repeat(count.rows, scratch.input_columns);
  FRESHET_RETURN_IF_ERROR(CheckRowCount(plan, count.rows));
  FRESHET_RETURN_IF_ERROR(CheckKeyTypes(plan, scratch));
  FRESHET_RETURN_IF_ERROR(CheckInputTypes(plan, request));
  return static_cast<uint32_t>(count.rows);
}

Status EncodeKeys(const Plan& plan, uint32_t row_count, Scratch& scratch) {
  for (size_t i = 0; i < plan.keys.size(); ++i) {
    FRESHET_RETURN_IF_ERROR(EncodeKeysOf(plan, plan.keys[i], row_count, scratch, scratch.keys[i]));
  }
  return Status::Ok();
}

}  // namespace freshet::serve
