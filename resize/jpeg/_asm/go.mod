module s3imageserver/resize/jpeg/_asm

go 1.26.6

require github.com/mmcloughlin/avo v0.6.0 // indirect
