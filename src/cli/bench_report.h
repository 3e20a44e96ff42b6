// What `freshet bench` has measured, for a person and for a program.
#pragma once

#include <string>

#include "cli/open_loop.h"

namespace freshet::cli {

struct BenchSubject {
  std::string name;  // the service, or the list of features
  size_t rows = 1;   // of a request
};

std::string RenderBench(const BenchSubject& subject, const OpenLoopOptions& options,
                        const OpenLoopFigures& figures);
std::string RenderBenchJson(const BenchSubject& subject, const OpenLoopOptions& options,
                            const OpenLoopFigures& figures);
// One line without an end, of the figures of about a second.
std::string RenderBenchSecond(int second, const OpenLoopFigures& figures);

}  // namespace freshet::cli
