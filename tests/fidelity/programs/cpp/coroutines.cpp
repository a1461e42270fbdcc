#include <coroutine>
#include <iostream>

struct Numbers {
    struct promise_type {
        int value = 0;
        Numbers get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int n) {
            value = n;
            return {};
        }
        void return_void() {}
        void unhandled_exception() {}
    };
    std::coroutine_handle<promise_type> handle;
    ~Numbers() { handle.destroy(); }
};

Numbers count(int to) {
    for (int n = 1; n <= to; n++) co_yield n * n;
}

int main() {
    Numbers numbers = count(4);
    while (numbers.handle.resume(), !numbers.handle.done())
        std::cout << numbers.handle.promise().value << '\n';
}
