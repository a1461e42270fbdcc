#!/bin/sh
# Builds the guest: build.sh DIRECTORY SUITE DISK_SIZE PACKAGE...
# leaves `vmlinuz` and `root.ext4` in DIRECTORY/image. To be run as root; DIRECTORY must be empty.
set -eu
guest=$(dirname "$(realpath "$0")")
cd "$1"
suite=$2 size=$3
shift 3
mkdir -m 755 image

# The archives, proxies and checks of dates that this machine's own apt is set up with.
apt-get indextargets --format '$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' | sed -n 's/^Debian|//p' >sources.list
[ -s sources.list ] || { echo "apt has no Debian archive here: the job needs a Debian host" >&2; exit 1; }
apt-config dump | grep -E '^Acquire::(Check-|Retries|https?::)' >apt.conf || true

mmdebstrap --variant=essential --include="$(echo "$@" | tr ' ' ,)" --aptopt=apt.conf \
    --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    "$suite" root - <sources.list

# The kernel is fetched and unpacked, not installed: this machine's boot set-up stays as it is.
kernel=$(apt-cache depends --important linux-image-cloud-amd64 | sed -n 's/.*Depends: linux-image-//p')
apt-get download -oAPT::Sandbox::User=root "linux-image-$kernel"
dpkg-deb --extract linux-image-*.deb kernel
mv kernel/boot/vmlinuz-* image/vmlinuz
mv kernel/lib/modules root/usr/lib/
chroot root depmod "$kernel"

# Nothing of this machine, and no service that takes time at boot and that no test needs.
rm -rf root/etc/apt root/etc/resolv.conf
echo job >root/etc/hostname
echo '127.0.0.1 localhost job' >root/etc/hosts
echo 11111111111111111111111111111111 >root/etc/machine-id
chroot root useradd --create-home --uid 1000 --shell /bin/bash tester
install -D --mode=644 --target-directory=root/usr/local/lib/v2-job "$guest/job.sh"
install --mode=644 --target-directory=root/etc/systemd/system "$guest/job.service" "$guest/job.target"
mask() { mkdir -p "$(dirname "root/etc/systemd/$1")" && ln -sfn /dev/null "root/etc/systemd/$1"; }
while read -r unit; do mask "system/$unit"; mask "user/$unit"; done <"$guest/masked-units"
for generator in root/usr/lib/systemd/*-generators/*; do mask "${generator#root/usr/lib/systemd/}"; done

# ext4 on NVMe: the cloud kernel has both built in, so it needs no initramfs, and bubblewrap can leave
# this root with pivot_root, which it could not do with an initramfs.
mke2fs -q -t ext4 -O ^has_journal -m 0 -d root image/root.ext4 "$size"
