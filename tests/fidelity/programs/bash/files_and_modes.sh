umask 027; mkdir -p d/e; echo text >d/e/f; ln -s f d/e/l; chmod 640 d/e/f
find d -printf '%M %p\n' | sort
[[ -f d/e/f && -d d && -L d/e/l && ! -e x && -s d/e/f ]] && echo tests
cat <d/e/l; mv d/e/f d/g; [[ -e d/e/l ]] || echo dangling
find d | sort; rm -r d
echo a >f; echo b >>f; cat f; set -o noclobber; echo c >f; echo "$?"; echo c >|f; cat f
