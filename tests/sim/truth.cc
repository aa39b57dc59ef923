#include "tests/sim/truth.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/policy.h"

namespace sealward::sim {
namespace {

using lifecycle::State;
using lifecycle::StateAt;

constexpr absl::Time kNever = absl::InfiniteFuture();

std::string Name(PairId pair) { return absl::StrCat("pair ", pair); }

// How long a JWT may live and be shown after it was signed.
absl::Duration Life(const StoredKey& key) { return key.max_jwt_lifetime + lifecycle::kClockSkew; }

}  // namespace

void Truth::Break(Invariant invariant, std::string detail, absl::Time at) {
  if (!breach_) breach_ = Breach{invariant, std::move(detail), at, step_};
}

void Truth::PolicyOf(size_t index, const lifecycle::RotationPolicy& policy) {
  KeyTruth& it = key(index);
  it.longest_signing = std::max(it.longest_signing, policy.max_signing_time);
  it.longest_standby = std::max(it.longest_standby, policy.max_standby_time);
  for (PairTruth& pair : pairs_) {
    if (pair.key != index) continue;
    if (pair.ready != kNever) pair.first_by = pair.ready + it.longest_standby;
    if (pair.signed_first != kNever) pair.sign_limit = pair.signed_first + it.longest_signing;
  }
}

void Truth::PassTo(absl::Time until) {
  for (const KeyTruth& it : keys_) {
    if (it.signs) pair(*it.signs).signed_last = until;
  }
}

void Truth::Observe(const Store& store, const ModelPartition& partition, bool may_sign,
                    absl::Time now, absl::Duration latency) {
  LookAtJwks(store, now, latency);
  for (size_t i = 0; i < store.keys.size(); ++i) {
    if (may_sign) {
      LookAtSigning(store, partition, i, now);
    } else {
      key(i).signs.reset();
      key(i).excused = true;
    }
  }
  LookAtValidators(store, now);
  LookAtRevoked(store, now);
}

void Truth::LookAtJwks(const Store& store, absl::Time now, absl::Duration latency) {
  const PairSet before = jwks_;
  jwks_ = JwksAt(store, now);
  const int size = std::popcount(jwks_);
  if (size > store.issuer.max_jwks_keys) {
    Break(Invariant::kJwksTooLarge, absl::StrCat(size, " keys"), now);
  }
  if (jwks_ == before) return;
  const PairSet gained = jwks_ & ~before;
  if (served_) {
    validators_.JwksChanges(store.issuer, before, now, gained ? latency : absl::ZeroDuration());
  }
  for (PairId id = 0; id < used_; ++id) {
    if ((before & ~jwks_ & Only(id)) != 0) {
      pair(id).left = true;
      pair(id).left_at = now;
    }
    if ((jwks_ & Only(id)) != 0) pair(id).beside |= jwks_;
    if ((gained & Only(id)) == 0) continue;
    PairTruth& it = pair(id);
    if (it.left) Break(Invariant::kCameBack, Name(id), now);
    if (it.published != kNever) continue;
    it.published = now;
    it.ready =
        served_ ? std::max(now + store.issuer.propagation_time, store.issuer.earlier_promise_until)
                : now;
    it.first_by = it.ready + key(it.key).longest_standby;
  }
  served_ = served_ || jwks_ != 0;
  if (!calm_) return;
  for (size_t i = 0; i < store.keys.size(); ++i) {
    PairSet own = 0;
    for (const PairId id : store.keys[i].pairs) own |= Only(id);
    const int need =
        lifecycle::JwksNeed(store.keys[i].rotation, CachePolicyOf(store, store.keys[i]));
    if (std::popcount(own & jwks_) > need) {
      Break(Invariant::kOrdinaryBound, absl::StrCat(std::popcount(own & jwks_), " > ", need), now);
    }
  }
}

void Truth::LookAtSigning(const Store& store, const ModelPartition& partition, size_t index,
                          absl::Time now) {
  const StoredKey& stored = store.keys[index];
  KeyTruth& it = key(index);
  int active = 0;
  for (const auto& times : stored.versions) active += StateAt(times, now) == State::kActive;
  if (active > 1) Break(Invariant::kTwoActive, absl::StrCat("key ", index), now);
  const auto version = lifecycle::SigningVersionAt(stored.versions, now);
  const bool signs = version && partition.Signs(stored.pairs[*version]);
  const bool signed_before = it.signs.has_value();
  if (!signs) {
    it.signs.reset();
    if (signed_before && !it.excused) {
      Break(Invariant::kGap, absl::StrCat("key ", index, " signs no more"), now);
    }
    it.excused = true;  // said once
    return;
  }
  LookAtSigner(store, index, *version, now);
  it.signs = stored.pairs[*version];
}

void Truth::LookAtSigner(const Store& store, size_t index, size_t version, absl::Time now) {
  const PairId id = store.keys[index].pairs[version];
  PairTruth& it = pair(id);
  if (it.revoked <= now) Break(Invariant::kSignsRevoked, Name(id), now);
  if (it.retired) Break(Invariant::kSignsAfterSwitch, Name(id), now);
  if (now < it.ready && !it.unready) Break(Invariant::kSignsTooSoon, Name(id), now);
  if (it.signed_first == kNever) FirstSignature(store, index, version, now);
  if (now >= it.sign_limit) Break(Invariant::kSignsPastEnd, Name(id), now);
}

void Truth::FirstSignature(const Store& store, size_t index, size_t version, absl::Time now) {
  const StoredKey& stored = store.keys[index];
  const PairId id = stored.pairs[version];
  PairTruth& it = pair(id);
  KeyTruth& of_key = key(index);
  if (stored.versions[version].activate > it.first_by)
    Break(Invariant::kSignsTooOld, Name(id), now);
  it.signed_first = now;
  it.sign_limit = now + of_key.longest_signing;
  if (of_key.signs) {
    const PairTruth& before = pair(*of_key.signs);
    const auto old = std::ranges::find(stored.pairs, *of_key.signs);
    const auto& ended = stored.versions[static_cast<size_t>(old - stored.pairs.begin())];
    bool fresh = false;  // whether a revocation asks for it
    for (const PairTruth& other : pairs_) {
      fresh |=
          other.key == index && other.revoked <= now && (other.beside & Only(*of_key.signs)) != 0;
    }
    const bool forced = of_key.by_hand || fresh || before.revoked <= now ||
                        ended.sign_until - lifecycle::kSwitchLead <= now;
    if (stored.pause && stored.pause->start < now && now < stored.pause->expire && !forced) {
      Break(Invariant::kPauseBroken, absl::StrCat("switch to ", Name(id)), now);
    }
  }
  of_key.by_hand = false;
  for (const PairId other : stored.pairs) {
    if (other != id && pair(other).signed_first != kNever) pair(other).retired = true;
  }
}

void Truth::LookAtValidators(const Store& store, absl::Time now) {
  PairSet shown = 0;
  PairSet excused = 0;
  for (size_t i = 0; i < store.keys.size(); ++i) {
    for (const PairId id : store.keys[i].pairs) {
      const PairTruth& it = pair(id);
      if (it.revoked <= now) continue;
      const bool alive = it.signed_last + Life(store.keys[i]) > now;
      if (!alive && key(i).signs != id) continue;
      if ((jwks_ & Only(id)) == 0) {
        Break(Invariant::kJwtOrphaned, Name(id), now);
      }
      shown |= Only(id);
      if (it.unready && now < it.ready) excused |= Only(id);
    }
  }
  const PairSet refused = validators_.Show(shown, now) & ~excused;
  if (refused != 0) Break(Invariant::kRefused, Name(std::countr_zero(refused)), now);
}

void Truth::LookAtRevoked(const Store& store, absl::Time now) {
  for (PairId id = 0; id < used_; ++id) {
    const PairTruth& it = pair(id);
    if (it.published == kNever) continue;
    const StoredKey& stored = store.keys[it.key];
    const bool published = (jwks_ & Only(id)) != 0;
    if (published && it.sign_limit != kNever &&
        now >= it.sign_limit + lifecycle::RetentionTime(CachePolicyOf(store, stored))) {
      Break(Invariant::kPublishedPastEnd, Name(id), now);
    }
    if (it.revoked > now || it.lost) continue;
    if (published) Break(Invariant::kRevokedPublished, Name(id), now);
    for (const PairId other : stored.pairs) {
      const PairTruth& fresh = pair(other);
      // Every cool-down is over, and every max-age.
      if ((it.beside & Only(other)) != 0 || fresh.published < it.published ||
          fresh.signed_first == kNever || fresh.signed_first + absl::Hours(1) > fresh.signed_last) {
        continue;
      }
      if (validators_.AwaitsMiss(id)) Break(Invariant::kRevokedTrusted, Name(id), now);
    }
  }
}

}  // namespace sealward::sim
