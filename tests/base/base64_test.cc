#include "base/base64.h"

#include <string>

#include <gtest/gtest.h>

namespace freshet {
namespace {

using namespace std::string_literals;

std::string Decoded(std::string_view text) {
  std::string bytes = "kept from before";
  return DecodeBase64(text, &bytes) ? bytes : "no base64";
}

TEST(Base64, AsRfc4648HasIt) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(EncodeBase64(bytes), text);
    EXPECT_EQ(Decoded(text), bytes);
  }
  EXPECT_EQ(EncodeBase64("\xfb\xff\x00"s), "+/8A");
}

TEST(Base64, TakesBothAlphabetsAndNoPadding) {
  for (const char* text : {"+/8A", "-_8A"}) EXPECT_EQ(Decoded(text), "\xfb\xff\x00"s) << text;
  for (const char* text : {"3q2+7w==", "3q2-7w", "3q2+7w"})
    EXPECT_EQ(Decoded(text), "\xde\xad\xbe\xef") << text;
}

TEST(Base64, RefusesWhatItIsNot) {
  for (const char* text : {"Z", "Zm9vY", "Zh==", "Zm9=", "Zg=", "Zg===", "=", "====", "Zm 9",
                           "Zm9v\n", "Zg==Zg==", "Z\xc3\xa9=="})
    EXPECT_EQ(Decoded(text), "no base64") << text;
}

TEST(Base64, AllBytesComeBack) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    EXPECT_EQ(Decoded(EncodeBase64(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
}

}  // namespace
}  // namespace freshet
