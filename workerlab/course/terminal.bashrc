# What bash reads in JupyterLab's terminals: the reader's own file first, which may put the programs
# of another Python in front.
[ -f ~/.bashrc ] && . ~/.bashrc
PATH="$VIRTUAL_ENV/bin:$PATH"
