# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_openplcctl_global_optspecs
    string join \n host= json accept-certificate h/help V/version
end

function __fish_openplcctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_openplcctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_openplcctl_using_subcommand
    set -l cmd (__fish_openplcctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c openplcctl -n "__fish_openplcctl_needs_command" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_needs_command" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -s V -l version -d 'Print version'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "login" -d 'Log in; the session is remembered for further commands'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "logout" -d 'End the session'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "upload" -d 'Upload a program.zip; the runtime builds and starts it'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "status" -d 'Show state and timing'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "start" -d 'Start the PLC'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "stop" -d 'Stop the PLC'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "logs" -d 'Show the log of the runtime'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "retain" -d 'Show which variables are retained, and what was restored at the last start'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "vars" -d 'List variables and their values'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "watch" -d 'Show the values of variables as they change'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "force" -d 'Force a variable to a value'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "release" -d 'End the forcing of a variable'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "users" -d 'Manage accounts'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "project" -d 'Show which project is stored on the device, or save it'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "plugins" -d 'Show the plugins, what they have written and what went wrong last'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "venv" -d 'Manage Python environments of plugins on this computer'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "forget-host" -d 'Forget the certificate and the session of the host'
complete -c openplcctl -n "__fish_openplcctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand login" -s u -l user -d 'User name; asked for when absent' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand login" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand login" -l password-stdin -d 'Read the password from the first line of standard input; also taken from OPENPLC_PASSWORD, otherwise asked for'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand login" -l create -d 'Create the first user of a new runtime, then log in'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand login" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand login" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand login" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logout" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logout" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logout" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logout" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand upload" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand upload" -s f -l follow -d 'Show the build log and wait until the program runs'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand upload" -l clean -d 'Build even if the program is unchanged'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand upload" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand upload" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand upload" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand status" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand status" -s w -l watch -d 'Go on showing them'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand status" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand status" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand start" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand start" -l cold -d 'From initial values; what was retained is forgotten'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand start" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand start" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand start" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand stop" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand stop" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand stop" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand stop" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logs" -l level -d 'Least severity shown' -r -f -a "debug\t'Everything'
info\t'Normal operation'
warning\t'Somebody should look'
error\t'Something failed'"
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logs" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logs" -s f -l follow -d 'Go on with what is logged from now on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logs" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logs" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand retain" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand retain" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand retain" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand retain" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand vars" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand vars" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand vars" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand vars" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand watch" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand watch" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand watch" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand watch" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand force" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand force" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand force" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand force" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand release" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand release" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand release" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand release" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -f -a "list" -d 'List all accounts'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -f -a "add" -d 'Create an account'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -f -a "password" -d 'Change a password; all sessions of the account end'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -f -a "role" -d 'Change what an account may do'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -f -a "remove" -d 'Remove an account'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and not __fish_seen_subcommand_from list add password role remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from list" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from list" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from add" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from add" -l admin -d 'It may manage accounts, too'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from add" -l password-stdin -d 'Read the password from standard input'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from add" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from add" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from password" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from password" -l password-stdin -d 'Read the current password, if it is your own, and the new one from lines of standard input'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from password" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from password" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from password" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from role" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from role" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from role" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from role" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from remove" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from remove" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "list" -d 'List all accounts'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "add" -d 'Create an account'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "password" -d 'Change a password; all sessions of the account end'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "role" -d 'Change what an account may do'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an account'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand project" -s o -l output -d 'Save it as this zip' -r -F
complete -c openplcctl -n "__fish_openplcctl_using_subcommand project" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand project" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand project" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand project" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand plugins" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand plugins" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand plugins" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand plugins" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -f -a "create" -d 'Create the environment of a plugin'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -f -a "install" -d 'Install packages into an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -f -a "list" -d 'List environments'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -f -a "info" -d 'Show the interpreter and the packages of an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -f -a "remove" -d 'Remove an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and not __fish_seen_subcommand_from create install list info remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from create" -l python -d 'Interpreter that the environment is for' -r -F
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from create" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from create" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from create" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from install" -s r -l requirements -d 'File with a package a line' -r -F
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from install" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from install" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from install" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from list" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from list" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from info" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from info" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from info" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from remove" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from remove" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create the environment of a plugin'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from help" -f -a "install" -d 'Install packages into an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from help" -f -a "list" -d 'List environments'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from help" -f -a "info" -d 'Show the interpreter and the packages of an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand venv; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand forget-host" -l host -d 'Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]' -r
complete -c openplcctl -n "__fish_openplcctl_using_subcommand forget-host" -l json -d 'Print JSON: one document, or one a line where output goes on'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand forget-host" -l accept-certificate -d 'Trust the certificate that the host shows now, in place of the one that was remembered'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand forget-host" -s h -l help -d 'Print help'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "login" -d 'Log in; the session is remembered for further commands'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "logout" -d 'End the session'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "upload" -d 'Upload a program.zip; the runtime builds and starts it'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "status" -d 'Show state and timing'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "start" -d 'Start the PLC'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "stop" -d 'Stop the PLC'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "logs" -d 'Show the log of the runtime'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "retain" -d 'Show which variables are retained, and what was restored at the last start'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "vars" -d 'List variables and their values'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "watch" -d 'Show the values of variables as they change'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "force" -d 'Force a variable to a value'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "release" -d 'End the forcing of a variable'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "users" -d 'Manage accounts'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "project" -d 'Show which project is stored on the device, or save it'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "plugins" -d 'Show the plugins, what they have written and what went wrong last'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "venv" -d 'Manage Python environments of plugins on this computer'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "forget-host" -d 'Forget the certificate and the session of the host'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and not __fish_seen_subcommand_from login logout upload status start stop logs retain vars watch force release users project plugins venv forget-host help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "list" -d 'List all accounts'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "add" -d 'Create an account'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "password" -d 'Change a password; all sessions of the account end'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "role" -d 'Change what an account may do'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "remove" -d 'Remove an account'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from venv" -f -a "create" -d 'Create the environment of a plugin'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from venv" -f -a "install" -d 'Install packages into an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from venv" -f -a "list" -d 'List environments'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from venv" -f -a "info" -d 'Show the interpreter and the packages of an environment'
complete -c openplcctl -n "__fish_openplcctl_using_subcommand help; and __fish_seen_subcommand_from venv" -f -a "remove" -d 'Remove an environment'
