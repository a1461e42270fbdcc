#include <bits/stdc++.h>

using namespace std;

int main() {
    vector<int> v(20);
    iota(v.begin(), v.end(), 1);
    mt19937 random(7);
    shuffle(v.begin(), v.end(), random);
    nth_element(v.begin(), v.begin() + 5, v.end());
    cout << v[5] << ' ' << accumulate(v.begin(), v.end(), 0) << ' ' << random() << endl;
    stable_sort(v.begin(), v.end(), greater<int>());
    cout << *lower_bound(v.rbegin(), v.rend(), 9) << ' ' << count_if(v.begin(), v.end(), [](int n) {
        return n % 3 == 0;
    }) << '\n';
    string s = "bca";
    while (next_permutation(s.begin(), s.end())) cout << s << ' ';
    cout << __gcd(12, 18) << ' ' << __builtin_popcount(255) << '\n';
}
