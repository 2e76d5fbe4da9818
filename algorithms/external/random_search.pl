#!/usr/bin/env perl
# Random search: the protocol of README.md in a language without our libraries. Core modules only.
use strict;
use warnings;
use JSON::PP;

$| = 1;    # An answer must not wait in a buffer.
my $json = JSON::PP->new->ascii->canonical->allow_nonref;
my ($space, $first);

sub draw {
    my ($axis) = @_;
    my ($low, $high, $choices) = @$axis{qw(low high choices)};
    return $choices->[ int rand @$choices ] if $choices;
    my $whole = $axis->{kind} eq 'int';
    return $low + ($whole ? int rand($high - $low + 1) : rand() * ($high - $low)) unless $axis->{log};
    my ($from, $to) = $whole ? ($low - 0.5, $high + 0.5) : ($low, $high);    # A whole number has its neighbourhood.
    my $value = exp(log($from) + rand() * log($to / $from));
    $value = int($value + 0.5) if $whole;
    return $value < $low ? $low : $value > $high ? $high : $value;
}

sub counts {    # Parents come first; numbers and texts of a condition compare as JSON does.
    my ($condition, $config) = @_;
    return 1 unless $condition;
    return 0 unless exists $config->{ $condition->{parent} };
    my $value = $json->encode($config->{ $condition->{parent} });
    return scalar grep { $json->encode($_) eq $value } @{ $condition->{values} };
}

sub proposal {
    my %config;
    for my $axis (@$space) {
        $config{ $axis->{name} } = draw($axis) if counts($axis->{condition}, \%config);
    }
    return \%config;
}

my %answer = (
    begin => sub {
        my ($message) = @_;
        die "protocol $message->{protocol}: this program speaks 1\n" if $message->{protocol} != 1;
        die "role $message->{role}: this is a searcher\n"            if $message->{role} ne 'searcher';
        srand $message->{seed};
        ($space, $first) = @$message{qw(space initial_config)};
        return { name => 'perl-random', version => '1', libraries => { perl => sprintf '%vd', $^V } };
    },
    ask => sub {
        my $config = $first // proposal();
        $first = undef;
        return { config => $config };
    },
    tell => sub { return {} },    # Random search learns nothing.
);

while (my $line = <STDIN>) {
    my $message = $json->decode($line);
    print $json->encode($answer{ $message->{op} }->($message)), "\n";
}
