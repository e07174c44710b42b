# Brings Chromium for the tests of the report's pages, where Debian's packages can be installed; elsewhere those tests skip and say so.
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null || echo "Chromium could not be installed."
else
    echo "No Chromium: install it for the tests of the report's pages (Debian: apt-get install chromium)."
fi
exit 0
