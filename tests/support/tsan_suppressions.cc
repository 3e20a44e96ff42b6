// What ThreadSanitizer is to pass over. Libraries that were built without it keep their order between
// threads by atomic operations that it does not see, so that their own memory looks raced for. Where they
// use a template that Freshet instantiates too, only the function that called them is on the stack.
extern "C" const char* __tsan_default_suppressions();  // NOLINT: the sanitizer's name

extern "C" const char* __tsan_default_suppressions() {  // NOLINT
  return "race:^rocksdb::\n"
         "race:^non-virtual thunk to rocksdb::\n"
         "race:^freshet::store::Database::DeleteRange\n";
}
