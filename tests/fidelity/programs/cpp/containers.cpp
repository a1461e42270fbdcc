#include <bits/stdc++.h>

int main() {
    std::unordered_map<std::string, std::vector<int>> groups;
    for (int i = 0; i < 10; i++) groups[i % 2 ? "odd" : "even"].push_back(i);
    std::set<int> ordered{5, 1, 4, 1};
    std::deque<int> queue{1, 2};
    queue.push_front(0);
    std::priority_queue<int> heap(ordered.begin(), ordered.end());
    std::list<int> list(queue.begin(), queue.end());
    list.reverse();
    std::bitset<8> bits("10110");
    std::cout << groups["odd"].size() << *ordered.begin() << heap.top() << list.front() << bits
              << '\n';
    std::array<std::pair<int, char>, 2> pairs{{{2, 'b'}, {1, 'a'}}};
    std::sort(pairs.begin(), pairs.end());
    std::cout << pairs[0].second << std::get<0>(std::tuple{7, "x"}) << '\n';
}
