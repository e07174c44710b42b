# Brings what some tests need and pip does not have, where Debian's packages can be installed: Chromium for the report's pages, bubblewrap and
# libseccomp for the sandbox. Elsewhere those tests skip and say so.
missing=""
command -v chromium >/dev/null || missing="$missing chromium"
command -v bwrap >/dev/null || missing="$missing bubblewrap"
/sbin/ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2' || missing="$missing libseccomp2"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null || echo "Could not be installed:$missing."
else
    echo "Some tests will skip. Install what they need (Debian: apt-get install$missing)."
fi
exit 0
