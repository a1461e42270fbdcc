#define _GLIBCXX_ASSERTIONS
#include <bits/stdc++.h>
#define int long long

signed main() {
    int big = 1;
    for (int i = 0; i < 40; i++) big *= 2;
    std::cout << big << " " << sizeof big << std::endl;
    std::vector<signed> none;
    return none[3];
}
