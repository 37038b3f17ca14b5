complete -c openplc-launcher -l data -d 'Folder for accounts, programs and sockets [default: as root /run/runtime if it is a mounted volume, else /var/lib/openplc-runtime; as another user $XDG_STATE_HOME/openplc-runtime]' -r -F
complete -c openplc-launcher -l config -d 'Folder of the settings files api.toml, compile.toml and core.toml [default: with --data DIR, DIR/etc; else as root /etc/openplc-runtime; as another user $XDG_CONFIG_HOME/openplc-runtime]' -r -F
complete -c openplc-launcher -l listen -d 'Address and port of the API [default: port 8443 on every IPv4 and IPv6 address]' -r
complete -c openplc-launcher -l discovery -d 'IPv4 address and UDP port at which Editors that look for runtimes are answered [default: port 33333 on every address; with --listen they are not answered]' -r
complete -c openplc-launcher -l example -d 'Build and start a bundled example program, replacing the current program, and show its live values' -r
complete -c openplc-launcher -s h -l help -d 'Print help'
complete -c openplc-launcher -s V -l version -d 'Print version'
