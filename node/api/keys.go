package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Keys is which keys the node keeps. It holds no secret.
type Keys struct {
	Schema     string   `json:"schema"`
	DID        string   `json:"did" doc:"of the community"`
	Locked     bool     `json:"locked"`
	Protection string   `json:"protection" enum:"passphrase,keyFile"`
	KeyFile    string   `json:"keyFile,omitempty" doc:"where it stands"`
	Members    []Member `json:"members,omitempty" doc:"people whose key the community looks after, oldest first; absent while locked"`
}

// Member is a person whose key the community looks after.
type Member struct {
	Actor
	Created time.Time `json:"created"`
}

// UnlockRequest opens the keys.
type UnlockRequest struct {
	Passphrase string `json:"passphrase" maxLength:"1024"`
}

// BackupRequest asks for all keys in one encrypted file.
type BackupRequest struct {
	Passphrase string `json:"passphrase" maxLength:"1024" doc:"of the backup; at least 8 characters"`
}

func (s *Server) registerKeys() {
	register(s, admin, get("show-keys", "/keys", "Which keys the node keeps", http.StatusConflict), s.showKeys)
	register(s, admin, post("unlock", "/unlock", "Open the keys until lock or the end of the program"), s.unlock)
	register(s, admin, post("lock", "/lock", "Close the keys"), s.lock)
	backup := post("backup-keys", "/keys/backup", "All keys in one age file under a passphrase of its own")
	backup.Responses = map[string]*huma.Response{"200": {
		Description: "An age file", Content: map[string]*huma.MediaType{ageFile: {}},
	}}
	register(s, admin, backup, s.backup)
}

func (s *Server) keys() (*Body[Keys], error) {
	if _, err := s.config.Node.Community(); err != nil {
		return nil, err
	}
	k, err := s.config.Node.Keys()
	if err != nil {
		return nil, err
	}
	out := Keys{Schema: "essaim.keys/1", DID: string(k.Issuer()), Locked: k.Locked(), Protection: "passphrase", KeyFile: k.KeyFile()}
	if out.KeyFile != "" {
		out.Protection = "keyFile"
	}
	if out.Locked {
		return body(out), nil
	}
	members, err := k.Members()
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		out.Members = append(out.Members, Member{Actor{string(m.DID), m.Name}, m.Created})
	}
	return body(out), nil
}

func (s *Server) showKeys(context.Context, *struct{}) (*Body[Keys], error) { return s.keys() }

type unlockInput struct{ Body UnlockRequest }

func (s *Server) unlock(_ context.Context, in *unlockInput) (*Body[Keys], error) {
	if err := s.config.Node.Unlock([]byte(in.Body.Passphrase)); err != nil {
		return nil, err
	}
	return s.keys()
}

func (s *Server) lock(context.Context, *struct{}) (*Body[Keys], error) {
	k, err := s.config.Node.Keys()
	if err != nil {
		return nil, err
	}
	k.Lock()
	return s.keys()
}

// ageFile is the type of an age file; none is registered.
const ageFile = "application/octet-stream"

type backupInput struct{ Body BackupRequest }

// file is an answer to be saved.
type file struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *Server) backup(_ context.Context, in *backupInput) (*file, error) {
	k, err := s.config.Node.Keys()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := k.Backup(&out, []byte(in.Body.Passphrase)); err != nil {
		return nil, err
	}
	return &file{http.StatusOK, ageFile, `attachment; filename="essaim-keys.age"`, out.Bytes()}, nil
}
