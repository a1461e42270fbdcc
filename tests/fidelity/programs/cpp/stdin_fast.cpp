#include <bits/stdc++.h>

int main() {
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    long sum = 0;
    for (long n; std::cin >> n;) sum += n;
    std::cout << sum << "\n";
    for (int i = 0; i < 3000; i++) std::cout << i << '\n';
}
