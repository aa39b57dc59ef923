// containment_scan PATTERNS FILE…: which secrets the files hold, whole or in pieces.
//
// A line of PATTERNS is "ID LEAST HEX": a spelling of a secret, and how many bytes of
// it in a row count (window_index.h). Each finding is a line of standard output,
//   {"file":…,"id":…,"full":…,"length":…,"of":…,"in_secret":…,"in_file":…,"count":…}
// and each file ends with {"file":…,"scanned":BYTES}. Exit code 0 whatever was found,
// 1 where a file cannot be read or a line of PATTERNS is not understood.
#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/containment/mapped_file.h"
#include "tests/containment/window_index.h"

namespace sealward::containment {
namespace {

bool IsHex(const std::string& text) {
  return !text.empty() && text.size() % 2 == 0 &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::vector<Pattern> ReadPatterns(const std::string& path) {
  std::ifstream file(path);
  std::vector<Pattern> patterns;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    Pattern pattern;
    std::string hex;
    if (!(words >> pattern.id >> pattern.least >> hex) || !IsHex(hex)) {
      throw std::runtime_error(absl::StrCat(path, ": not understood: ", line));
    }
    pattern.bytes = absl::HexStringToBytes(hex);
    patterns.push_back(std::move(pattern));
  }
  if (patterns.empty()) throw std::runtime_error(path + ": no patterns");
  return patterns;
}

void ScanFile(const WindowIndex& index, const std::string& path) {
  const MappedFile file(path);
  for (const Finding& finding : index.Scan(file.bytes())) {
    const Pattern& pattern = index.pattern(finding.pattern);
    std::cout << nlohmann::json{{"file", path},
                                {"id", pattern.id},
                                {"full", finding.length == pattern.bytes.size()},
                                {"length", finding.length},
                                {"of", pattern.bytes.size()},
                                {"in_secret", finding.in_pattern},
                                {"in_file", finding.in_dump},
                                {"count", finding.count}}
              << "\n";
  }
  std::cout << nlohmann::json{{"file", path}, {"scanned", file.bytes().size()}} << "\n";
}

}  // namespace
}  // namespace sealward::containment

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: containment_scan PATTERNS FILE...\n";
    return 1;
  }
  try {
    const sealward::containment::WindowIndex index(sealward::containment::ReadPatterns(argv[1]));
    for (int i = 2; i < argc; ++i) sealward::containment::ScanFile(index, argv[i]);
  } catch (const std::exception& error) {
    std::cerr << "containment_scan: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
