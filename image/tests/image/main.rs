//! Tests of whole images: good ones, forged ones, damaged ones, and what other programs see in them.

#[cfg(test)]
mod bad_images;
#[cfg(test)]
mod boot_control;
#[cfg(test)]
mod builds;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod noise;
#[cfg(test)]
mod real_parts;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod witnesses;
