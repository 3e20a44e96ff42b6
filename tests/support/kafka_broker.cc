#include "support/kafka_broker.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "support/kafka_client.h"

namespace freshet::testing {
namespace {

[[noreturn]] void Fail(const std::string& message) {
  fmt::print(stderr, "kafka broker for tests: {}\n", message);
  std::abort();
}

// Ports that are free now. Both sockets are open together, so the ports differ.
std::vector<int> FreePorts(size_t count) {
  std::vector<int> sockets;
  std::vector<int> ports;
  for (size_t i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      Fail("no free port");
    }
    sockets.push_back(fd);
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int fd : sockets) close(fd);
  return ports;
}

// Starts a program whose output goes to `log`; it dies with this process.
pid_t Spawn(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) Fail("cannot fork");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int fd = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  execvp(raw[0], raw.data());
  _exit(127);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// 16 random bytes in base64 without padding, as Kafka writes cluster ids; not beginning with a dash, which
// its tool would take for an option.
std::string NewClusterId() {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::random_device random;
  std::string id(21, 'A');
  for (char& c : id) c = kDigits[random() % kDigits.size()];
  if (id.front() == '-') id.front() = 'A';
  return id + "A";
}

std::vector<std::string> JavaCommand(const std::string& heap, bool quick_start) {
  const std::string libraries = FRESHET_KAFKA_LIBS;
  if (access((libraries + "/kafka_2.13-4.3.1.jar").c_str(), R_OK) != 0) {
    Fail("no jars in " + libraries +
         "; fetch them: mvn -q -B -f tests/kafka/pom.xml dependency:copy-dependencies "
         "-DoutputDirectory=" +
         libraries);
  }
  std::vector<std::string> command = {"java", "-Xmx" + heap, "-XX:+UseSerialGC"};
  if (quick_start) command.push_back("-XX:TieredStopAtLevel=1");
  command.insert(command.end(), {"-cp", libraries + "/*"});
  return command;
}

// Tests send events with fixed times, long past: a broker that deletes by record time would drop them mid-test.
// A listener for clients that come through a proxy, and the address that it gives itself.
std::string ProxiedListener(int port) {
  return port == 0 ? "" : fmt::format(",PROXIED://127.0.0.1:{}", port);
}

std::string Properties(int port, int controller_port, int proxied_port, int proxy_port,
                       const std::string& folder) {
  return fmt::format(
      "process.roles=broker,controller\n"
      "node.id=1\n"
      "controller.quorum.voters=1@127.0.0.1:{1}\n"
      "listeners=PLAINTEXT://127.0.0.1:{0},CONTROLLER://127.0.0.1:{1}{3}\n"
      "advertised.listeners=PLAINTEXT://127.0.0.1:{0}{4}\n"
      "listener.security.protocol.map="
      "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT\n"
      "inter.broker.listener.name=PLAINTEXT\n"
      "controller.listener.names=CONTROLLER\n"
      "log.dirs={2}/logs\n"
      "auto.create.topics.enable=false\n"
      "log.retention.ms=-1\n"
      "group.initial.rebalance.delay.ms=0\n"
      "offsets.topic.num.partitions=1\n"
      "offsets.topic.replication.factor=1\n"
      "transaction.state.log.num.partitions=1\n"
      "transaction.state.log.replication.factor=1\n"
      "transaction.state.log.min.isr=1\n"
      "share.coordinator.state.topic.replication.factor=1\n"
      "share.coordinator.state.topic.min.isr=1\n",
      port, controller_port, folder, ProxiedListener(proxied_port), ProxiedListener(proxy_port));
}

}  // namespace

KafkaBroker::KafkaBroker(const Options& options) : options_(options) {
  Start();
  WaitUntilReady();
}

KafkaBroker::~KafkaBroker() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

KafkaBroker& KafkaBroker::Shared() {
  static KafkaBroker broker;
  return broker;
}

void KafkaBroker::Start() {
  const std::vector<int> ports = FreePorts(3);
  if (options_.proxy_port != 0) proxied_port_ = ports[2];
  address_ = fmt::format("127.0.0.1:{}", ports[0]);
  const std::string properties = folder_.File("server.properties");
  std::ofstream(properties) << Properties(ports[0], ports[1], proxied_port_, options_.proxy_port,
                                          folder_.path());
  const std::string log = folder_.File("broker.log");

  std::vector<std::string> format = JavaCommand("128m", true);
  format.insert(format.end(),
                {"kafka.tools.StorageTool", "format", "-t", NewClusterId(), "-c", properties});
  int status = 0;
  waitpid(Spawn(format, log), &status, 0);
  if (status != 0) Fail("its folder could not be formatted:\n" + ReadFile(log));

  std::vector<std::string> serve = JavaCommand(options_.heap, options_.quick_start);
  serve.insert(serve.end(), {"kafka.Kafka", properties});
  process_ = Spawn(serve, log);
}

void KafkaBroker::WaitUntilReady() {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!KafkaAnswers(address_)) {
    if (waitpid(process_, nullptr, WNOHANG) == process_) {
      Fail("it ended at once:\n" + ReadFile(folder_.File("broker.log")));
    }
    if (std::chrono::steady_clock::now() > give_up) {
      Fail("it does not answer after a minute:\n" + ReadFile(folder_.File("broker.log")));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void KafkaBroker::SetAffinity(const cpu_set_t& cores) {
  for (const auto& thread :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process_))) {
    // A thread that has ended meanwhile needs no core.
    sched_setaffinity(std::stoi(thread.path().filename()), sizeof(cores), &cores);
  }
}

void KafkaBroker::Pause() {
  kill(process_, SIGSTOP);
  // On a busy machine some of its threads answer for a while yet.
  waitpid(process_, nullptr, WUNTRACED);
}

void KafkaBroker::Continue() {
  kill(process_, SIGCONT);
}

std::string NewTopicName(std::string_view what) {
  static std::atomic<int> next{1};
  return fmt::format("{}-{}", what, next++);
}

}  // namespace freshet::testing
