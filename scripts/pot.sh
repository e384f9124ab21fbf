#!/bin/sh
# The template of translations of the WordPress plugin anew, from its sources, and its translations made ready (needs gettext).
set -eu
cd "$(dirname "$0")/../platform_adapters/woocommerce/plugin/storebridge"
find . -name '*.php' | sort | xgettext --files-from=- --language=PHP --from-code=UTF-8 --no-location --add-comments=translators \
    --keyword=__:1 --keyword=_n:1,2 --keyword=esc_html__:1 --keyword=esc_attr__:1 \
    --package-name="Storebridge for WooCommerce" --output=- |
    sed -e '1,/^#, fuzzy$/d' -e '/^"\(POT-Creation\|PO-Revision\|Last-Translator\|Language\|Report-Msgid\|Plural-Forms\)/d' \
        -e 's/charset=CHARSET/charset=UTF-8/' >languages/storebridge.pot
for po in languages/*.po; do
    msgmerge --quiet --update --backup=none --no-wrap --no-fuzzy-matching "$po" languages/storebridge.pot
    msgfmt --check-format --output-file="${po%.po}.mo" "$po"
done
