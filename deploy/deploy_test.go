package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"s3imageserver/server"
	"s3imageserver/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// A tree is a document of YAML. Paths are keys and indices with dots between;
// a key may hold dots if it is the last one.
type tree struct{ root any }

// at returns what is at a path, nil if there is nothing.
func (d tree) at(path string) any {
	v := d.root
	for path != "" {
		var key string
		switch node := v.(type) {
		case map[string]any:
			if last, ok := node[path]; ok {
				return last
			}
			key, path, _ = strings.Cut(path, ".")
			v = node[key]
		case []any:
			key, path, _ = strings.Cut(path, ".")
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// text is at, as text.
func (d tree) text(path string) string { return fmt.Sprint(d.at(path)) }

// documents reads all documents of a file in deploy/.
func documents(t *testing.T, name string) []tree {
	t.Helper()
	f, err := os.Open("deploy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() // only read
	var all []tree
	for d := yaml.NewDecoder(f); ; {
		var v any
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("deploy/%s: %v", name, err)
		}
		all = append(all, tree{v})
	}
}

// deployed returns a file of deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("deploy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// configVariables returns the environment variables that deploy/config.json names.
func configVariables(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(deployed(t, "config.json"), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// deployedConfig reads deploy/config.json as a node does.
func deployedConfig(t *testing.T) *server.Config {
	t.Helper()
	for _, name := range configVariables(t) {
		t.Setenv(name, "the-value-of-"+name)
	}
	t.Setenv("S3_ENDPOINT", "") // AWS
	c, warnings, err := server.Load("deploy/config.json")
	if err != nil || len(warnings) > 0 {
		t.Fatalf("deploy/config.json: %v, %v", err, warnings)
	}
	return c
}

// An imageFile is what a Dockerfile says of the image that it makes.
type imageFile struct {
	copies             [][2]string // from, to
	user, volume       string
	ports              []string
	entrypoint, health []string
	build              string // flags of go build
	golang             string // its version
	tags               string // of the build, where nothing else is said
}

// dockerfile reads deploy/Dockerfile: its last stage, and how the program is built.
func dockerfile(t *testing.T) imageFile {
	t.Helper()
	var m imageFile
	list := func(text string) (words []string) {
		if err := json.Unmarshal([]byte(text), &words); err != nil {
			t.Fatalf("deploy/Dockerfile: %s: %v", text, err)
		}
		return words
	}
	for line := range strings.Lines(deployed(t, "Dockerfile")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "FROM":
			m.copies = nil
		case "ARG":
			if v, ok := strings.CutPrefix(rest, "GO_VERSION="); ok {
				m.golang = v
			}
			if v, ok := strings.CutPrefix(rest, "TAGS="); ok {
				m.tags = v
			}
		case "RUN":
			if _, flags, ok := strings.Cut(rest, "go build "); ok {
				m.build, _, _ = strings.Cut(flags, " -o ")
			}
		case "COPY":
			words := slices.DeleteFunc(strings.Fields(rest), func(s string) bool { return strings.HasPrefix(s, "--") })
			m.copies = append(m.copies, [2]string{words[0], words[len(words)-1]})
		case "USER":
			m.user = rest
		case "VOLUME":
			m.volume = rest
		case "EXPOSE":
			m.ports = strings.Fields(rest)
		case "HEALTHCHECK":
			_, command, _ := strings.Cut(rest, " CMD ")
			m.health = list(command)
		case "ENTRYPOINT":
			m.entrypoint = list(rest)
		}
	}
	return m
}

// The image fits the configuration in it, and the release is built alike.
func TestDockerfile(t *testing.T) {
	m, c := dockerfile(t), deployedConfig(t)
	const config = "/etc/s3imageserver/config.json"
	if want := []string{"/s3imageserver", "-c", config}; !slices.Equal(m.entrypoint, want) || !slices.Equal(m.health, append(want, "health")) {
		t.Errorf("entry point %q, health check %q; want %q", m.entrypoint, m.health, want)
	}
	if m.volume != path.Dir(c.Handlers[0].CachePath) {
		t.Errorf("the volume is %s, the cache is in %s", m.volume, c.Handlers[0].CachePath)
	}
	_, admin, _ := strings.Cut(c.Admin.Listen, ":")
	if want := []string{strconv.Itoa(c.HTTPPort), admin}; !slices.Equal(m.ports, want) {
		t.Errorf("ports %q; want %q", m.ports, want)
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(m.user) {
		t.Errorf("user %q; want two numbers, not root's", m.user)
	}
	for _, to := range []string{"/s3imageserver", config, m.volume} {
		if !slices.ContainsFunc(m.copies, func(c [2]string) bool { return c[1] == to }) {
			t.Errorf("nothing is copied to %s", to)
		}
	}
	if text, err := os.ReadFile("go.mod"); err != nil || !strings.Contains(string(text), "\ngo "+m.golang+"\n") {
		t.Errorf("the image is built by Go %s; go.mod has another version (%v)", m.golang, err)
	}
	_, flags, _ := strings.Cut(deployed(t, "release"), "go build ")
	flags, _, _ = strings.Cut(flags, " -o ")
	if got := strings.NewReplacer("$VERSION", "$version", "$REVISION", "$commit", "$TAGS", m.tags).Replace(m.build); got != flags || !strings.Contains(got, "-tags nodynamic") {
		t.Errorf("the image is built by %q, a release by %q", got, flags)
	}
}

// Everything that compose.yaml names is there and fits configuration and nginx.
func TestCompose(t *testing.T) {
	d, c, m := documents(t, "compose.yaml")[0], deployedConfig(t), dockerfile(t)
	services, _ := d.at("services").(map[string]any)
	if len(services) != 6 {
		t.Fatalf("%d services; want MinIO, its buckets, three nodes and nginx", len(services))
	}
	nginx := deployed(t, "nginx.conf")
	subnet := netip.MustParsePrefix(d.text("networks.inside.ipam.config.0.subnet"))
	trusted := slices.ContainsFunc(c.TrustedProxies, func(s string) bool {
		p, err := netip.ParsePrefix(s)
		return err == nil && p.Contains(subnet.Addr()) && p.Bits() <= subnet.Bits()
	})
	if !trusted {
		t.Errorf("trusted_proxies %v leave out nginx in %v", c.TrustedProxies, subnet)
	}
	for name, v := range services {
		s := tree{v}
		if image := s.text("image"); !regexp.MustCompile(`:[^:]*[\d}][^:]*$`).MatchString(image) || strings.HasSuffix(image, ":latest") {
			t.Errorf("%s: the image %s has no version", name, image)
		}
		needs, _ := s.at("depends_on").([]any)
		if conditions, ok := s.at("depends_on").(map[string]any); ok {
			for n := range conditions {
				needs = append(needs, n)
			}
		}
		for _, n := range needs {
			if services[fmt.Sprint(n)] == nil {
				t.Errorf("%s waits for %v, which is not there", name, n)
			}
		}
		volumes, _ := s.at("volumes").([]any)
		for _, v := range volumes {
			volume, _, _ := strings.Cut(fmt.Sprint(v), ":")
			if declared, _ := d.at("volumes").(map[string]any); !slices.Contains(keysOf(declared), volume) {
				t.Errorf("%s: the volume %s is not declared", name, volume)
			}
		}
		configs, _ := s.at("configs").([]any)
		for i := range configs {
			file := d.text("configs." + s.text(fmt.Sprintf("configs.%d.source", i)) + ".file")
			if _, err := os.Stat("deploy/" + file); err != nil {
				t.Error(name, err)
			}
		}
		if name == "nginx" || strings.HasPrefix(name, "node") {
			if s.text("read_only") != "true" || s.text("cap_drop.0") != "ALL" || s.text("security_opt.0") != "no-new-privileges:true" {
				t.Errorf("%s may do more than it needs", name)
			}
		}
		if !strings.HasPrefix(name, "node") {
			continue
		}
		if s.text("build.dockerfile") != "deploy/Dockerfile" || s.text("build.context") != ".." || s.at("build.args.VERSION") == nil {
			t.Errorf("%s is built by %v", name, s.at("build"))
		}
		grace, err := strconv.ParseInt(strings.TrimSuffix(s.text("stop_grace_period"), "s"), 10, 64)
		if err != nil {
			t.Errorf("%s: stop_grace_period: %v", name, err)
		}
		checkGrace(t, "compose.yaml", c, grace)
		for _, variable := range configVariables(t) {
			if s.at("environment."+variable) == nil {
				t.Errorf("%s: deploy/config.json wants %s", name, variable)
			}
		}
		if _, path, _ := strings.Cut(s.text("volumes.0"), ":"); path != m.volume {
			t.Errorf("%s: its volume is at %s; want %s", name, path, m.volume)
		}
		if got := s.text("configs.0.target"); got != m.entrypoint[2] {
			t.Errorf("%s: its configuration is at %s; want %s", name, got, m.entrypoint[2])
		}
		if want := fmt.Sprintf("server %s:%d ", name, c.HTTPPort); strings.Count(nginx, want) != 1 {
			t.Errorf("nginx.conf has no %s", want)
		}
		address := s.text("networks.inside.ipv4_address")
		hosts, _ := tree{services["nginx"]}.at("extra_hosts").([]any)
		if ip, err := netip.ParseAddr(address); err != nil || !subnet.Contains(ip) || !slices.Contains(hosts, any(name+":"+address)) {
			t.Errorf("%s has the address %s, which nginx does not know: %v", name, address, hosts)
		}
	}
	port := regexp.MustCompile(`listen (\d+);`).FindStringSubmatch(nginx)
	if got := (tree{services["nginx"]}).text("ports.0"); port == nil || got != "8080:"+port[1] {
		t.Errorf("nginx listens on %v, and %s is open", port, got)
	}
}

// checkGrace compares for how long what runs the server waits for its end with
// what it may take.
func checkGrace(t *testing.T, file string, c *server.Config, grace int64) {
	t.Helper()
	if least := c.ShutdownDelay + c.ShutdownSeconds + 2; grace < least || c.ShutdownSeconds < int64(c.Handlers[0].Limits.RequestSeconds) {
		t.Errorf("%s: %d seconds to end; want at least %d: shutdown_delay %d, shutdown_seconds %d, request_seconds %d",
			file, grace, least, c.ShutdownDelay, c.ShutdownSeconds, c.Handlers[0].Limits.RequestSeconds)
	}
}

func keysOf(m map[string]any) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// The objects of kubernetes.yaml have what keeps a node safe and alive, and name
// only what exists.
func TestKubernetes(t *testing.T) {
	c, m := deployedConfig(t), dockerfile(t)
	objects := map[string]tree{}
	for _, d := range documents(t, "kubernetes.yaml") {
		if d.text("metadata.name") != "s3imageserver" || d.text("metadata.labels.app.kubernetes.io/name") != "s3imageserver" {
			t.Errorf("%s: metadata %v", d.text("kind"), d.at("metadata"))
		}
		objects[d.text("kind")] = d
	}
	uid, gid, _ := strings.Cut(m.user, ":")
	_, admin, _ := strings.Cut(c.Admin.Listen, ":")
	const pod, box = "spec.template.spec.", "spec.template.spec.containers.0."
	tests := []struct{ kind, path, want string }{
		{"ConfigMap", "data.config.json", deployed(t, "config.json")},
		{"ServiceAccount", "automountServiceAccountToken", "false"},
		{"Deployment", "apiVersion", "apps/v1"},
		{"Deployment", "spec.replicas", "<nil>"}, // the autoscaler's
		{"Deployment", "spec.strategy.rollingUpdate.maxUnavailable", "0"},
		{"Deployment", pod + "serviceAccountName", "s3imageserver"},
		{"Deployment", pod + "automountServiceAccountToken", "false"},
		{"Deployment", pod + "securityContext.runAsNonRoot", "true"},
		{"Deployment", pod + "securityContext.runAsUser", uid},
		{"Deployment", pod + "securityContext.runAsGroup", gid},
		{"Deployment", pod + "securityContext.fsGroup", gid},
		{"Deployment", pod + "securityContext.seccompProfile.type", "RuntimeDefault"},
		{"Deployment", box + "securityContext.readOnlyRootFilesystem", "true"},
		{"Deployment", box + "securityContext.allowPrivilegeEscalation", "false"},
		{"Deployment", box + "securityContext.capabilities.drop.0", "ALL"},
		{"Deployment", box + "envFrom.0.secretRef.name", "s3imageserver"},
		{"Deployment", box + "ports.0.name", "http"},
		{"Deployment", box + "ports.0.containerPort", strconv.Itoa(c.HTTPPort)},
		{"Deployment", box + "ports.1.name", "admin"},
		{"Deployment", box + "ports.1.containerPort", admin},
		{"Deployment", box + "startupProbe.httpGet.path", c.HealthPath},
		{"Deployment", box + "startupProbe.httpGet.port", "http"},
		{"Deployment", box + "livenessProbe.httpGet.path", c.HealthPath},
		{"Deployment", box + "livenessProbe.httpGet.port", "http"},
		{"Deployment", box + "readinessProbe.httpGet.path", c.ReadyPath},
		{"Deployment", box + "readinessProbe.httpGet.port", "http"},
		{"Deployment", box + "volumeMounts.0.name", "config"},
		{"Deployment", box + "volumeMounts.0.mountPath", strings.TrimSuffix(m.entrypoint[2], "/config.json")},
		{"Deployment", box + "volumeMounts.0.subPath", "<nil>"},
		{"Deployment", box + "volumeMounts.1.name", "cache"},
		{"Deployment", box + "volumeMounts.1.mountPath", m.volume},
		{"Deployment", pod + "volumes.0.name", "config"},
		{"Deployment", pod + "volumes.0.configMap.name", "s3imageserver"},
		{"Deployment", pod + "volumes.1.name", "cache"},
		{"Service", "spec.ports.0.targetPort", "http"},
		{"Service", "spec.ports.1", "<nil>"},
		{"PodDisruptionBudget", "spec.maxUnavailable", "1"},
		{"HorizontalPodAutoscaler", "spec.scaleTargetRef.kind", "Deployment"},
		{"HorizontalPodAutoscaler", "spec.scaleTargetRef.name", "s3imageserver"},
		{"NetworkPolicy", "spec.policyTypes.0", "Ingress"},
		{"NetworkPolicy", "spec.policyTypes.1", "Egress"},
		{"NetworkPolicy", "spec.ingress.0.ports.0.port", "http"},
		{"NetworkPolicy", "spec.ingress.1.ports.0.port", "admin"},
	}
	for _, tt := range tests {
		if got := objects[tt.kind].text(tt.path); got != tt.want {
			t.Errorf("%s: %s = %q; want %q", tt.kind, tt.path, got, tt.want)
		}
	}
	const label = "app.kubernetes.io/name"
	for kind, path := range map[string]string{
		"Deployment": "spec.selector.matchLabels", "Service": "spec.selector",
		"PodDisruptionBudget": "spec.selector.matchLabels", "NetworkPolicy": "spec.podSelector.matchLabels",
	} {
		want, _ := objects["Deployment"].at("spec.template.metadata.labels").(map[string]any)
		if got, _ := objects[kind].at(path).(map[string]any); len(got) != 1 || got[label] != want[label] || want[label] == nil {
			t.Errorf("%s selects %v; the pods have %v", kind, got, want)
		}
	}
	deployment := objects["Deployment"]
	number := func(path, unit string) int {
		t.Helper()
		n, err := strconv.Atoi(strings.TrimSuffix(deployment.text(path), unit))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return n
	}
	if size := number(pod+"volumes.1.emptyDir.sizeLimit", "Gi") * 1 << 10; int64(size) <= c.Handlers[0].Cache.DiskMB*11/10 || size > number(box+"resources.limits.ephemeral-storage", "Mi") {
		t.Errorf("the volume of the cache holds %d MB; disk_mb is %d", size, c.Handlers[0].Cache.DiskMB)
	}
	// The Service has seen that a pod is not ready before it ends.
	if probes := number(box+"readinessProbe.periodSeconds", ""); c.ShutdownDelay < int64(probes) {
		t.Errorf("shutdown_delay is %d; /readyz is asked every %d seconds", c.ShutdownDelay, probes)
	}
	checkGrace(t, "kubernetes.yaml", c, int64(number(pod+"terminationGracePeriodSeconds", "")))
	for _, name := range configVariables(t) {
		if !strings.Contains(deployed(t, "kubernetes.yaml"), "--from-literal="+name+"=") {
			t.Errorf("kubernetes.yaml does not say that the Secret has %s", name)
		}
	}
}
