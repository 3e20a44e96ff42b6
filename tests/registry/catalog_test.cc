#include "registry/catalog.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet::registry {
namespace {

using ::testing::HasSubstr;

Catalog Small() {
  Catalog catalog;
  catalog.next_id = 6;
  catalog.sources = {{"clicks", 1}, {"users", 2}};
  catalog.views["activity"] = {3, {{4, {"clicks_1m", "last"}, "head=1"}}};
  catalog.views["profile"] = {5, {}};
  return catalog;
}

// What release 1 writes; later ones must read it.
const std::string kGolden(
    "\x01"
    "\x06\0\0\0"
    "\x02\0\0\0"
    "\x06\0\0\0clicks\x01\0\0\0"
    "\x05\0\0\0users\x02\0\0\0"
    "\x02\0\0\0"
    "\x08\0\0\0activity\x03\0\0\0"
    "\x01\0\0\0"
    "\x04\0\0\0\x06\0\0\0head=1\x02\0\0\0\x09\0\0\0clicks_1m\x04\0\0\0last"
    "\x07\0\0\0profile\x05\0\0\0\0\0\0\0",
    1 + 4 + 4 + 14 + 13 + 4 + 16 + 4 + 4 + 10 + 4 + 13 + 8 + 19);

TEST(CatalogTest, GoldenBytes) {
  EXPECT_EQ(Small().Encode(), kGolden);
  Result<Catalog> decoded = Catalog::Decode(kGolden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, Small());
}

TEST(CatalogTest, AnEmptyCatalogComesBack) {
  Result<Catalog> decoded = Catalog::Decode(Catalog().Encode());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, Catalog());
}

TEST(CatalogTest, EveryCutIsCorruption) {
  for (size_t size = 0; size < kGolden.size(); ++size)
    EXPECT_EQ(Catalog::Decode(kGolden.substr(0, size)).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(Catalog::Decode(kGolden + "x").status().code(), StatusCode::kCorruption);
}

TEST(CatalogTest, FlippedBytesNeverCrash) {
  for (size_t i = 0; i < kGolden.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = kGolden;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      Result<Catalog> decoded = Catalog::Decode(bytes);
      if (decoded.ok()) {
        EXPECT_EQ(decoded->Encode().size(), bytes.size());
      } else {
        EXPECT_EQ(decoded.status().code(), StatusCode::kCorruption);
      }
    }
  }
}

TEST(CatalogTest, WhatBreaksTheRulesOfIdsIsCorruption) {
  Catalog unknown_version = Small();
  std::string bytes = unknown_version.Encode();
  bytes[0] = 2;
  EXPECT_THAT(Catalog::Decode(bytes).status().ToString(), HasSubstr("version 2"));

  Catalog twice = Small();
  twice.sources["clicks"] = 2;
  EXPECT_THAT(Catalog::Decode(twice.Encode()).status().ToString(), HasSubstr("given twice"));

  Catalog beyond = Small();
  beyond.views["profile"].id = 6;
  EXPECT_THAT(Catalog::Decode(beyond.Encode()).status().ToString(), HasSubstr("never given"));

  Catalog empty_table = Small();
  empty_table.views["activity"].tables[0].features.clear();
  EXPECT_THAT(Catalog::Decode(empty_table.Encode()).status().ToString(), HasSubstr("no feature"));

  Catalog two_places = Small();
  two_places.views["activity"].tables[0].features = {"last", "last"};
  EXPECT_THAT(Catalog::Decode(two_places.Encode()).status().ToString(), HasSubstr("two places"));
}

}  // namespace
}  // namespace freshet::registry
