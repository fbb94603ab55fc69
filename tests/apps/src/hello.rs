// SPDX-License-Identifier: BSD-2-Clause
fn main(){println!("hello, rust");}
