#include "server/lifecycle/drivers.h"

namespace sealward::lifecycle {

Drivers::Drivers(const Options& options) : options_(options) {
  for (const hsm_client::Partitions::Named& partition : options_.partitions->all()) {
    drivers_[partition.name] = std::make_unique<Driver>(
        Driver::Options{options_.manager, options_.catalog, partition, options_.clock,
                        options_.metrics, options_.withheld, options_.epochs, options_.quarantine});
  }
  options_.manager->OnChange([this](absl::string_view key) { Notify(key); });
}

Drivers::~Drivers() {
  Stop();
  options_.manager->OnChange(nullptr);
}

void Drivers::Stop() {
  for (auto& [name, driver] : drivers_) driver->Stop();
}

void Drivers::Notify(absl::string_view key) {
  const auto snapshot = options_.catalog->Get();
  const auto found = snapshot->keys.find(key);
  if (found == snapshot->keys.end()) return;
  const auto driver = drivers_.find(hsm_client::PartitionName(found->second->tenant->partition));
  if (driver != drivers_.end()) driver->second->Notify(key);
}

}  // namespace sealward::lifecycle
