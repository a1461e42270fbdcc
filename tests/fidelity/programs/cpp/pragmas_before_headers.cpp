#pragma GCC optimize("O3,unroll-loops")
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#include <bits/stdc++.h>
using namespace std;

int main() {
    vector<long long> v(1000);
    for (int i = 0; i < 1000; i++) v[i] = 1LL * i * i % 77;
    long long sum = 0;
    for (auto n : v) sum += n;
    cout << sum << " " << __builtin_popcountll(sum) << endl;
}
