#include <iostream>
#include <memory>

struct Node {
    int n;
    std::shared_ptr<Node> next;
    ~Node() { std::cout << "~" << n << ' '; }
};

int main() {
    auto first = std::shared_ptr<Node>(new Node{1, std::shared_ptr<Node>(new Node{2})});
    std::weak_ptr<Node> watch = first->next;
    auto own = std::unique_ptr<Node>(new Node{3});
    auto moved = std::move(own);
    std::cout << first.use_count() << !own << watch.expired() << ' ';
    first.reset();
    std::cout << watch.expired() << '\n';
}
