package protocol

import (
	"bytes"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/proof"
)

func sameAchievement(a, b badge.Achievement) bool {
	x, err := proof.Marshal(a)
	if err != nil {
		return false
	}
	y, err := proof.Marshal(b)
	return err == nil && bytes.Equal(x, y)
}
