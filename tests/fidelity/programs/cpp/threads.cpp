#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

int main() {
    std::mutex lock;
    std::condition_variable ready;
    std::atomic<int> count = 0;
    long sum = 0;
    std::vector<std::jthread> all;
    for (int i = 0; i < 6; i++)
        all.emplace_back([&, i] {
            for (int n = 0; n < 1000; n++) {
                std::lock_guard guard(lock);
                sum += i;
            }
            if (++count == 6) ready.notify_one();
        });
    {
        std::unique_lock guard(lock);
        ready.wait_for(guard, std::chrono::seconds(60), [&] { return count == 6; });
    }
    all.clear();
    auto later = std::async(std::launch::async, [] { return 21 * 2; });
    std::cout << sum << ' ' << later.get() << '\n';
}
