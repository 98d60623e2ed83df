"""Daybook's script and its ASGI app: `daybook serve` runs it, and so does `streamlit run Home.py`."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    from lib import serve

    app = st.App(__file__, **serve.app_options())  # a literal call: `streamlit run` looks for one
else:
    from lib.ui import shell

    shell.main()
