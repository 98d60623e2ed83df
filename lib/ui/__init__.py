"""Streamlit: the shell, the filters, the blocks. Nothing above knows more of it than these."""
