use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int};

extern "C" {
    fn strlen(text: *const c_char) -> usize;
    fn qsort(
        base: *mut c_int,
        count: usize,
        size: usize,
        compare: extern "C" fn(*const c_int, *const c_int) -> c_int,
    );
    fn getenv(name: *const c_char) -> *const c_char;
}
extern "C" fn compare(a: *const c_int, b: *const c_int) -> c_int {
    unsafe { *a - *b }
}

fn main() {
    let text = CString::new("counted").unwrap();
    let mut list = [5, -2, 9];
    unsafe {
        qsort(list.as_mut_ptr(), 3, 4, compare);
        println!("{} {list:?}", strlen(text.as_ptr()));
        println!("{:?}", CStr::from_ptr(getenv("LANG\0".as_ptr().cast())));
    }
}
