// Plain text tables. The same bytes on a terminal, in a pipe and in a file.
#ifndef SEALWARD_CLIENT_CLI_TABLE_H_
#define SEALWARD_CLIENT_CLI_TABLE_H_

#include <string>
#include <vector>

namespace sealward::client::cli {

// Table is rows under a header, in columns as wide as their longest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}

  // REQUIRES: as many cells as the header has. An empty cell becomes "-", and a
  // control character "?": a name from the server must not move the cursor.
  void Add(std::vector<std::string> cells);

  // Lines that end with '\n', without spaces at their ends.
  std::string ToString() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// Fields is one resource: a line for each field, names left, values aligned.
class Fields {
 public:
  void Add(std::string name, std::string value);
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace sealward::client::cli

#endif  // SEALWARD_CLIENT_CLI_TABLE_H_
