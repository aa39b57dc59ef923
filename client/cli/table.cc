#include "client/cli/table.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sealward::client::cli {
namespace {

constexpr size_t kGap = 2;  // spaces between columns

std::string Clean(std::string cell) {
  if (cell.empty()) return "-";
  for (char& c : cell) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f) c = '?';
  }
  return cell;
}

// Columns of a UTF-8 text, taking every code point for one.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string Render(const std::vector<std::vector<std::string>>& lines) {
  std::vector<size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], Width(line[i]));
  }
  std::string text;
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - Width(line[i]) + kGap, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace

void Table::Add(std::vector<std::string> cells) {
  std::transform(cells.begin(), cells.end(), cells.begin(), Clean);
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<std::vector<std::string>> lines = {header_};
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  return Render(lines);
}

void Fields::Add(std::string name, std::string value) {
  lines_.push_back({std::move(name), Clean(std::move(value))});
}

std::string Fields::ToString() const { return Render(lines_); }

}  // namespace sealward::client::cli
