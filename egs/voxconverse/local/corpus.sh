# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by recipe.sh in egs/voxconverse: VoxConverse, its sets dev and test.

downloads=../downloads

# No stage, since --force would empty its folder: an interrupted download continues.
download_corpus() { mimidiar data download voxconverse "$downloads"; }

prepare_corpus() {
  stage.py --out "$data/voxconverse_dev" --also "$data/voxconverse_test" --force "$force" ${corpus:+--input "$corpus"} -- \
    mimidiar data prepare voxconverse "$data" ${corpus:+--corpus "$corpus"} --downloads "$downloads" \
    --set prefix=voxconverse_ --set "skip_missing=$skip_missing"
}
