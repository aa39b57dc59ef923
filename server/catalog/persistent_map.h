// A map whose copies share what they have in common.
#ifndef SEALWARD_SERVER_CATALOG_PERSISTENT_MAP_H_
#define SEALWARD_SERVER_CATALOG_PERSISTENT_MAP_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace sealward::catalog {

// PersistentMap is a hash map from names to values: a copy costs nothing, and a change of
// a copy costs the same whatever the size, so that a commit of one key does not cost
// the whole catalog.
//
// It is a tree of fixed shape: kFanOut branches with kFanOut leaves each, chosen by the
// key's hash; a leaf is a sorted vector. A change copies the root, one branch and one
// leaf where another map shares them. Leaves hold 6 entries at 25,000 and 250 at a
// million, which is what it is made for.
//
// It is used as absl::flat_hash_map is; order of iteration is unspecified, and any change
// invalidates iterators and references. at() ends the process where there is no such key.
//
// Threads: as a standard container, each copy by itself. What copies share is never
// written.
template <typename Value>
class PersistentMap {
  static constexpr size_t kFanOut = 64;
  using Leaf = std::vector<std::pair<std::string, Value>>;
  using Branch = std::array<std::shared_ptr<Leaf>, kFanOut>;
  using Root = std::array<std::shared_ptr<Branch>, kFanOut>;

 public:
  using value_type = typename Leaf::value_type;

  // A forward iterator over all entries.
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = typename Leaf::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    const_iterator() = default;
    reference operator*() const { return (*LeafAt(*root_, slot_))[index_]; }
    pointer operator->() const { return &**this; }
    const_iterator& operator++() {
      ++index_;
      Settle();
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const const_iterator& other) const {
      return slot_ == other.slot_ && index_ == other.index_;
    }

   private:
    friend class PersistentMap;
    const_iterator(const Root* root, size_t slot, size_t index)
        : root_(root), slot_(slot), index_(index) {}

    // From behind the last entry of a leaf to the next leaf that has one, or to the end.
    void Settle() {
      while (slot_ < kSlots) {
        const Leaf* leaf = LeafAt(*root_, slot_);
        if (leaf != nullptr && index_ < leaf->size()) return;
        index_ = 0;
        slot_ += (*root_)[slot_ / kFanOut] == nullptr ? kFanOut - slot_ % kFanOut : 1;
      }
    }

    const Root* root_ = nullptr;
    size_t slot_ = kSlots;
    size_t index_ = 0;  // in the leaf
  };
  using iterator = const_iterator;

  const_iterator begin() const {
    if (root_ == nullptr) return end();
    const_iterator first(root_.get(), 0, 0);
    first.Settle();
    return first;
  }
  const_iterator end() const { return const_iterator(); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  const_iterator find(absl::string_view key) const {
    if (root_ == nullptr) return end();
    const size_t slot = SlotOf(key);
    const Leaf* leaf = LeafAt(*root_, slot);
    if (leaf == nullptr) return end();
    const auto at = Position(*leaf, key);
    if (at == leaf->end() || at->first != key) return end();
    return const_iterator(root_.get(), slot, static_cast<size_t>(at - leaf->begin()));
  }
  bool contains(absl::string_view key) const { return find(key) != end(); }
  const Value& at(absl::string_view key) const {
    const auto found = find(key);
    if (found == end()) std::abort();
    return found->second;
  }

  // The value of `key`, which is there from now on.
  Value& operator[](absl::string_view key) {
    Leaf& leaf = OwnLeaf(key);
    auto at = Position(leaf, key);
    if (at == leaf.end() || at->first != key) {
      at = leaf.emplace(at, std::string(key), Value());
      ++size_;
    }
    return at->second;
  }

  // How many entries went: 0 or 1.
  size_t erase(absl::string_view key) {
    if (!contains(key)) return 0;
    Leaf& leaf = OwnLeaf(key);
    leaf.erase(Position(leaf, key));
    --size_;
    return 1;
  }

  void clear() { *this = PersistentMap(); }

 private:
  static constexpr size_t kSlots = kFanOut * kFanOut;

  static size_t SlotOf(absl::string_view key) { return absl::HashOf(key) % kSlots; }

  static const Leaf* LeafAt(const Root& root, size_t slot) {
    const Branch* branch = root[slot / kFanOut].get();
    return branch == nullptr ? nullptr : (*branch)[slot % kFanOut].get();
  }

  // Where `key` is in the leaf, or would be.
  template <typename AnyLeaf>
  static auto Position(AnyLeaf& leaf, absl::string_view key) {
    return std::lower_bound(
        leaf.begin(), leaf.end(), key,
        [](const value_type& entry, absl::string_view wanted) { return entry.first < wanted; });
  }

  // Makes `node` this map's alone: a copy, if another map has it too. From the root
  // downwards, so that a copied parent counts as another owner of its children.
  template <typename Node>
  static Node& Own(std::shared_ptr<Node>& node) {
    if (node == nullptr) {
      node = std::make_shared<Node>();
    } else if (node.use_count() != 1) {
      node = std::make_shared<Node>(*node);
    } else {
      // Whoever shared it last may have been another thread, and has read it by now.
      std::atomic_thread_fence(std::memory_order_acquire);
    }
    return *node;
  }

  Leaf& OwnLeaf(absl::string_view key) {
    const size_t slot = SlotOf(key);
    return Own(Own(Own(root_)[slot / kFanOut])[slot % kFanOut]);
  }

  std::shared_ptr<Root> root_;
  size_t size_ = 0;
};

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_PERSISTENT_MAP_H_
